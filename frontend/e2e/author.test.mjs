/** The author page: real binary, known posts, real browser; with the keyboard, on a phone, in both themes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const HOUR_MS = 3_600_000;
const N_POSTS = 30;

/** Names are untrusted: this one is markup, and has what a path and a query treat specially. */
const NAME = '<img src=x onerror=alert(1)>/é?&%2F';

let server;
let browser;

before(async () => {
  [server, browser] = await startAll(RealServer.start(), openBrowser());
  const posts = Array.from({ length: N_POSTS }, (_, i) => ({
    id: `own-${i}`,
    platform: 'web',
    product: 'Harbor Pay',
    author: { handle: NAME, followers: 100 + i },
    created_at: new Date(Date.now() - (N_POSTS - i) * HOUR_MS).toISOString(),
    engagement: { likes: i, shares: 0, comments: 0 },
    text: `Harbor Pay is terrible, I want a refund, worst service ever ${i}`,
  }));
  const other = {
    id: 'other',
    platform: 'web',
    author: { id: '77' },
    text: 'I love the Tide Card',
  };
  await server.post([...posts, other]);
  await until('all posts to be stored', async () => {
    const answer = await fetch(`${server.url}/api/v1/posts?limit=100`);
    return (await answer.json()).items.length === N_POSTS + 1;
  });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(t, path, options = {}) {
  const opened = await openPage(browser, options);
  t.after(opened.close);
  await opened.page.goto(`${server.url}${path}`);
  return opened;
}

/* global URLSearchParams */
const address = (window = '') =>
  `/author?${new URLSearchParams({ platform: 'web', author: NAME, ...(window && { window }) })}`;

test("a post's author leads to the author's page with the keyboard alone", async (t) => {
  const { page, problems } = await open(t, '/');
  const feed = page.getByRole('list', { name: 'Posts, newest first' });
  await feed
    .getByRole('link', { name: `@${NAME}` })
    .first()
    .press('Enter');
  await page.getByRole('heading', { name: `@${NAME}`, level: 1 }).waitFor();
  await page.getByRole('img', { name: /^Volume and sentiment: 30 posts, / }).waitFor();
  await page.getByText('129 followers').waitFor();
  await page.getByRole('radio', { name: 'Last 24 hours' }).focus();
  await page.keyboard.press('Space');
  await until('the shorter period', () => page.url().includes('window=24h'));
  await page.goBack();
  await page.getByRole('list', { name: 'Top posts' }).getByRole('button').first().focus();
  await page.keyboard.press('Enter');
  const sheet = page.getByRole('dialog', { name: 'Post' });
  await sheet.getByText('worst service ever 29').waitFor();
  await page.keyboard.press('Escape');
  assert.deepEqual(problems, []);
});

test('the figures of the page are those of the API, and lead to the posts', async (t) => {
  const { page } = await open(t, address());
  const figures = page.getByRole('region', { name: 'Figures' });
  await figures.getByText('in this period').waitFor();
  const shown = await figures.innerText();
  const query = new URLSearchParams({ platform: 'web', author: NAME, window: '30d' });
  const answer = await fetch(`${server.url}/api/v1/explore/series?${query}`);
  const { items } = await answer.json();
  const sum = (of) => items.reduce((total, item) => total + of(item), 0);
  assert.equal(
    sum(({ count }) => count),
    N_POSTS,
  );
  assert.match(shown, new RegExp(`Posts\\s+${N_POSTS}\\b`));
  assert.match(shown, new RegExp(`\\b${sum(({ sentiment }) => sentiment.negative)} posts`));
  const table = page.getByRole('table', { name: 'Posts by product' });
  await table.getByRole('link', { name: String(N_POSTS) }).click();
  await page.getByRole('img', { name: /^Volume and sentiment: 30 posts, / }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get('author'), NAME);
});

test('an author without a handle is found by id, and an unknown one is said to be unknown', async (t) => {
  const { page } = await open(t, '/author?platform=web&author=77');
  await page.getByRole('img', { name: /^Volume and sentiment: 1 posts?, / }).waitFor();
  await page.goto(`${server.url}/author?platform=web&author=nobody`);
  await page.getByText('Author not found').waitFor();
});

for (const colorScheme of ['light', 'dark']) {
  for (const viewport of [
    { width: 1440, height: 1000 },
    { width: 390, height: 844 },
  ]) {
    test(`axe finds nothing on the author page, ${viewport.width} px, ${colorScheme}`, async (t) => {
      const { page } = await open(t, address(), { colorScheme, viewport, reducedMotion: 'reduce' });
      await page.getByRole('list', { name: 'Top posts' }).waitFor();
      await page
        .getByRole('list', { name: 'Posts, newest first' })
        .getByRole('button')
        .first()
        .waitFor();
      assert.deepEqual(await runAxe(page), []);
      const tooWide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(tooWide <= 0, `the page is ${tooWide} px wider than the screen`);
      if (process.env.AUTHOR_PICTURES) {
        const name = `${process.env.AUTHOR_PICTURES}/author-${viewport.width}-${colorScheme}.png`;
        await page.screenshot({ path: name, fullPage: true });
      }
    });
  }
}
