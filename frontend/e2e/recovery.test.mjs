/** Alerts after lost connections: every alert exactly once. Real binary, real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ELSEWHERE, fromElsewhere, openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until } from './support/until.mjs';

let server;
let browser;

before(async () => {
  const start = RealServer.start('debug', {
    GROUNDSWELL_ALLOWED_HOSTS: ELSEWHERE,
    // A corrected score would no longer match the filter.
    GROUNDSWELL_LATENCY_BUDGET: '0',
  });
  [server, browser] = await startAll(start, openBrowser());
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A live page that records its socket frames. */
async function openNoted(t) {
  const opened = await openPage(browser);
  t.after(opened.close);
  const { page } = opened;
  const frames = [];
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => frames.push(JSON.parse(String(payload)))),
  );
  await page.goto(fromElsewhere(server.url));
  await page.locator('[data-connection="live"]').waitFor();
  return { page, frames };
}

/** Posts angry texts about a product until its alert opens. */
async function anger(product) {
  const posts = Array.from({ length: 40 }, (_, i) => ({
    id: `${product}-${i}`,
    platform: 'web',
    product,
    text: `${product} is terrible, I hate it, worst service ever, never again ${i}`,
  }));
  await server.post(posts);
}

async function openAlerts() {
  const answer = await fetch(`${server.url}/api/v1/alerts?limit=200`);
  return (await answer.json()).items.map(({ title }) => title);
}

async function alertsAbout(products) {
  return until(`alerts about ${products}`, async () => {
    const titles = await openAlerts();
    return products.every((product) => titles.some((title) => title.includes(product))) && titles;
  });
}

/** Checks that the page shows exactly the server's alerts, also those that one row stands for. */
async function showsEachOnce(page, products) {
  const list = page.getByRole('list', { name: 'Alerts, open ones first' });
  await until('each alert once', async () => {
    const folded = list.locator('button[aria-expanded="false"]');
    while ((await folded.count()) > 0) await folded.first().click();
    const titles = await list.locator('li a.font-medium').allInnerTexts();
    const expected = await openAlerts();
    assert.deepEqual(titles.toSorted(), expected.toSorted());
    return products.every((product) => titles.some((title) => title.includes(product)));
  });
}

const newsOf = (frames) => frames.filter(({ feed }) => feed === 'alerts').map(({ id }) => id);

test('after an interruption, everything missed arrives exactly once', async (t) => {
  const { page, frames } = await openNoted(t);
  await anger('Before');
  await alertsAbout(['Before']);
  await until('news of it', () => newsOf(frames).length > 0);
  await page.context().setOffline(true);
  await page.locator('[data-connection="offline"]').waitFor();
  const n_before = frames.length;
  await anger('During');
  await alertsAbout(['During']);
  await page.context().setOffline(false);
  await page.locator('[data-connection="live"]').waitFor();
  await showsEachOnce(page, ['Before', 'During']);
  const since = frames.slice(n_before);
  const { recovered } = since.find(({ event }) => event === 'subscribed').data;
  assert.equal(recovered, true, 'the server had kept what was missed');
  assert.ok(
    since.some(({ feed, data }) => feed === 'alerts' && data.title.includes('During')),
    'what was missed came over the socket',
  );
  const ids = newsOf(frames);
  assert.equal(new Set(ids).size, ids.length, `news came twice: ${ids}`);
});

test('after a server restart, earlier and later alerts are listed once each', async (t) => {
  const { page, frames } = await openNoted(t);
  await anger('Earlier');
  await alertsAbout(['Earlier']);
  const { host } = new URL(server.url);
  await server.killServing();
  await page
    .getByText(/No live data|Reconnecting/)
    .first()
    .waitFor();
  await server.serve(host);
  await anger('Later');
  await alertsAbout(['Later']);
  await page.locator('[data-connection="live"]').waitFor();
  await showsEachOnce(page, ['Earlier', 'Later']);
  const ids = newsOf(frames);
  assert.equal(new Set(ids).size, ids.length, `news came twice: ${ids}`);
});

test('a server on the same machine stays connected offline', async (t) => {
  const { page, close } = await openPage(browser);
  t.after(close);
  await page.goto(server.url);
  await page.locator('[data-connection="live"]').waitFor();
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'onLine', { get: () => false });
    window.dispatchEvent(new window.Event('offline'));
  });
  await server.post([{ id: 'unplugged', platform: 'web', text: 'Nobody pulled this plug' }]);
  // An open alert may contain the text in its collapsed posts.
  const feed = page.getByRole('list', { name: 'Posts, newest first' });
  await feed.getByText('Nobody pulled this plug').waitFor();
  assert.equal(await page.locator('[data-connection="live"]').count(), 1);
});

/** Returns the posts that a subscription with this filter receives. */
const LISTEN = {
  websocket: (filter) => {
    const socket = new window.WebSocket(`${window.location.origin.replace('http', 'ws')}/ws`);
    socket.onopen = () =>
      socket.send(JSON.stringify({ op: 'subscribe', feeds: ['messages'], filter }));
    socket.onmessage = ({ data }) => window.heard.push(JSON.parse(data));
  },
  events: (filter) => {
    const query = new window.URLSearchParams({ feeds: 'messages', ...filter });
    const source = new window.EventSource(`/api/v1/events?${query}`);
    for (const name of ['subscribed', 'message:new']) {
      source.addEventListener(name, ({ data }) => window.heard.push(JSON.parse(data)));
    }
  },
};

for (const [by, listen] of Object.entries(LISTEN)) {
  test(`a subscription over ${by} with min_virality delivers exactly the posts at or above it`, async (t) => {
    const { page, close } = await openPage(browser);
    t.after(close);
    await page.goto(`${server.url}/system`);
    const MIN = 60;
    await page.evaluate(`window.heard = []; (${listen})({ min_virality: ${MIN} })`);
    await page.waitForFunction(() => window.heard.some(({ event }) => event === 'subscribed'));
    const posts = Array.from({ length: 20 }, (_, i) => ({
      id: `${by}-${i}`,
      platform: 'twitter',
      text: `This changes everything, share it ${i}!`,
      author: { id: `${by}-author-${i}`, followers: 4 ** (i % 12) },
      engagement: { likes: 3 ** (i % 12), shares: 2 ** (i % 12) },
    }));
    await server.post(posts);
    const stored = await until('all of them to be stored', async () => {
      const answer = await fetch(`${server.url}/api/v1/posts?limit=200`);
      const { items } = await answer.json();
      const ours = items.filter(({ post }) => post.id.startsWith(`${by}-`));
      return ours.length === posts.length && ours;
    });
    const viral = stored.filter(({ score }) => score.virality >= MIN).map(({ post }) => post.id);
    t.diagnostic(`${viral.length} of ${stored.length} are from ${MIN} on`);
    assert.ok(viral.length > 0 && viral.length < stored.length);
    const heard = await until('every viral one', async () => {
      const frames = await page.evaluate(() => window.heard);
      const news = frames.filter(({ event }) => event === 'message:new').map(({ data }) => data);
      return news.length >= viral.length && news;
    });
    assert.deepEqual(heard.map(({ post }) => post.id).toSorted(), viral.toSorted());
    assert.ok(heard.every(({ score }) => score.virality >= MIN));
  });
}
