/** What a page that loses its connection shows afterwards: every alert, each once. The real binary, a real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { RealServer, until } from './support/server.mjs';

const SOON_MS = 40_000;

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([RealServer.start(), openBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A live page that notes what comes over its sockets. */
async function openNoted(t) {
  const opened = await openPage(browser);
  t.after(opened.close);
  const { page } = opened;
  const frames = [];
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => frames.push(JSON.parse(String(payload)))),
  );
  await page.goto(server.url);
  await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
  return { page, frames };
}

/** Makes people angry about a product, until the server says so. */
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
  return until(`alerts about ${products}`, SOON_MS, async () => {
    const titles = await openAlerts();
    return products.every((product) => titles.some((title) => title.includes(product))) && titles;
  });
}

/** The page shows what the server has: nothing lost, nothing doubled. */
async function showsEachOnce(page, products) {
  const list = page.getByRole('list', { name: 'Alerts, open ones first' });
  await until('each alert once', SOON_MS, async () => {
    const titles = await list.locator('> li p.font-medium').allInnerTexts();
    const expected = await openAlerts();
    assert.deepEqual(titles.toSorted(), expected.toSorted());
    return products.every((product) => titles.some((title) => title.includes(product)));
  });
}

const newsOf = (frames) => frames.filter(({ feed }) => feed === 'alerts').map(({ id }) => id);

test('what happened while the page was cut off arrives afterwards, complete and once', async (t) => {
  const { page, frames } = await openNoted(t);
  await anger('Before');
  await alertsAbout(['Before']);
  await until('news of it', SOON_MS, () => newsOf(frames).length > 0);
  await page.context().setOffline(true);
  await page.locator('[data-connection="offline"]').waitFor();
  const n_before = frames.length;
  await anger('During');
  await alertsAbout(['During']);
  await page.context().setOffline(false);
  await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
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

test('a page outlives the server: alerts of before and after stand there, each once', async (t) => {
  const { page, frames } = await openNoted(t);
  await anger('Earlier');
  await alertsAbout(['Earlier']);
  const { host } = new URL(server.url);
  await server.killServing();
  await page
    .getByText(/No live data|Trying to connect again/)
    .first()
    .waitFor();
  await server.serve(host);
  await anger('Later');
  await alertsAbout(['Later']);
  await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
  await showsEachOnce(page, ['Earlier', 'Later']);
  const ids = newsOf(frames);
  assert.equal(new Set(ids).size, ids.length, `news came twice: ${ids}`);
});
