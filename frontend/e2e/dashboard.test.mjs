/** The dashboard: real binary, real posts, real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until, untilEqual } from './support/until.mjs';

/** How long a test waits for a post before it sends another. */
const SEND_EVERY_MS = 5_000;

let server;
let browser;
let n_by_hand = 0;

/** Sends posts over HTTP, and counts them. */
async function send(posts) {
  n_by_hand += posts.length;
  await server.post(posts);
}

before(async () => {
  // On a slow machine, too, the deep model is in time to correct a post.
  const variables = { GROUNDSWELL_LATENCY_BUDGET: '15s' };
  [server, browser] = await startAll(RealServer.start('debug', variables), openBrowser());
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const region = (page, name) => page.getByRole('region', { name, exact: true });
const chart = (page, name) => region(page, name).locator('[role="img"]:has([data-chart-ready])');
const posts = (page) =>
  page.getByRole('list', { name: 'Posts, newest first' }).getByRole('listitem');

/** Opens the dashboard for test `t` and closes it afterwards, so that it does not slow down later tests. */
async function openLive(t, path = '/', options = {}) {
  const opened = await openPage(browser, options);
  t.after(opened.close);
  await opened.page.goto(`${server.url}${path}`);
  return opened;
}

/** Waits until a chart's label matches. */
async function says(locator, pattern) {
  await until(`${pattern}`, async () =>
    pattern.test((await locator.getAttribute('aria-label')) ?? ''),
  );
}

test('before the first post, the page says how to send some', async (t) => {
  const { page, problems } = await openLive(t);
  await page.getByRole('heading', { name: 'No posts yet' }).waitFor();
  await page.getByText(`curl -X POST ${server.url}/api/v1/posts`).waitFor();
  assert.deepEqual(problems, []);
});

/** Ambiguous texts, which the deep model corrects. */
const AMBIGUOUS = [
  'Not bad at all, I could get used to this.',
  'Thanks for nothing, two hours on hold.',
  'Oh wonderful, another update that breaks everything.',
  'So proud of them for finally ruining the only thing that worked.',
];

test('a post is corrected in place, with both models in its score history', async (t) => {
  const { page, problems } = await openLive(t);
  await page.getByText('Connected, live').waitFor({ state: 'attached' });
  const corrected = posts(page)
    .filter({ has: page.getByText(/^corrected/) })
    .first();
  let n = 0;
  const sendAmbiguous = () => {
    n += 1;
    return send(AMBIGUOUS.map((text, i) => ({ id: `ambiguous-${n}-${i}`, platform: 'web', text })));
  };
  // The mark of a correction disappears, and a busy machine may skip corrections, so keep posting.
  await until('a corrected post', async () => {
    await sendAmbiguous();
    await corrected.getByRole('button', { name: 'Scores' }).click({ timeout: SEND_EVERY_MS });
    return true;
  });
  const open = posts(page).filter({ has: page.getByRole('button', { name: 'Hide scores' }) });
  const readings = open
    .getByRole('list', { name: 'Score history, oldest first' })
    .getByRole('listitem');
  await readings.nth(1).waitFor();
  const said = await readings.allInnerTexts();
  assert.match(said[0], /(positive|neutral|negative)[^]*swift [^]*,/i);
  assert.match(said[1], /(positive|neutral|negative)[^]*deep [^]* later/i);

  await page.getByRole('link', { name: 'System' }).click();
  const shares = page.getByRole('list', { name: 'Share by tier' });
  // They are those of the last minute.
  await until('the share of the deep model', async () => {
    await sendAmbiguous();
    await shares.getByText(/^deep [1-9]\d*%$/).waitFor({ timeout: SEND_EVERY_MS });
    return true;
  });
  await shares.getByText(/^swift \d+%$/).waitFor();
  await page.getByRole('button', { name: 'Reload models' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Reload' }).click();
  await page.getByText('No changes: these models are already in use.').waitFor();
  assert.deepEqual(problems, []);
});

test('the panels fill during a replay without a reload or an error', async (t) => {
  const { page, problems } = await openLive(t);
  await page.getByText('Connected, live').waitFor({ state: 'attached' });
  server.replay(60);
  // The real posts have no cities or channels; the synthetic ones do.
  server.synth(20);
  await posts(page).first().waitFor();
  await page
    .getByRole('group', { name: 'Summary' })
    .getByText(/^Sentiment [+−]?\d/)
    .waitFor();
  await says(chart(page, 'Trend'), /Trend: [\d,]+ posts in \d+ steps/);
  await says(chart(page, 'Emotions'), /joy \d/);
  await says(chart(page, 'Products'), /Mayweather: [\d,]+ posts/);
  await says(chart(page, 'Channels'), /Channels\. (?!Unattributed)[^:]+: [\d,]+ posts/);
  await says(chart(page, 'Cities'), /Map of cities\. [^:]+: [\d,]+ posts/);
  await region(page, 'Cities')
    .getByText(/without a location/)
    .waitFor();
  await page.locator('[data-chart-ready="true"]').nth(4).waitFor();
  await until('five painted charts', async () => {
    const painted = await page.$$eval('canvas', (all) => all.filter(({ width }) => width > 0));
    return painted.length === 5;
  });
  assert.deepEqual(problems, []);
});

test('figures keep changing while posts arrive', async (t) => {
  const { page } = await openLive(t);
  await posts(page).first().waitFor();
  const read = () => page.getByLabel('Headline numbers').innerText();
  const first = await read();
  await until('other figures', async () => (await read()) !== first);
});

test('a post sent by hand reaches the open page', async (t) => {
  const { page } = await openLive(t, '/?source=http');
  await page.getByText('Connected, live').waitFor({ state: 'attached' });
  const item = posts(page).filter({ hasText: 'a post sent by hand' }).first();
  // Under load the feed is sampled, so a single post may be skipped.
  let n = 0;
  await until('the post', async () => {
    n += 1;
    await send([{ id: `hand-${n}`, platform: 'web', text: 'a post sent by hand' }]);
    await item.waitFor({ timeout: SEND_EVERY_MS });
    return true;
  });
  await item.getByText('HTTP').waitFor();
});

const N_ANGRY = 60;

/** Posts about a product of which nothing else is said. */
const angryAbout = (product) =>
  Array.from({ length: N_ANGRY }, (_, i) => ({
    id: `${product}-${i}`,
    platform: 'web',
    product,
    text: `${product} is terrible, I hate it, worst service ever, never again ${i}`,
  }));

test('an alert appears and stays acknowledged', async (t) => {
  const { page } = await openLive(t);
  await send(angryAbout('Harbor Pay'));
  const alerts = region(page, 'Alerts');
  await alerts
    .getByText(/Harbor Pay/)
    .first()
    .waitFor();
  await alerts
    .getByRole('button', { name: /^Acknowledge: .*Harbor Pay/ })
    .first()
    .click();
  await alerts.getByText('acknowledged').first().waitFor();
  await page.reload();
  await alerts.getByText('acknowledged').first().waitFor();
});

test('a pause freezes the page, counts new posts, and resumes with the latest', async (t) => {
  const { page } = await openLive(t);
  await posts(page).first().waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  const frozen = () =>
    Promise.all([
      page.getByLabel('Headline numbers').innerText(),
      posts(page).first().locator('p').innerText(),
    ]);
  const n_held = async () => Number(await page.locator('[data-held]').getAttribute('data-held'));
  // A request from before the pause may still be in flight.
  await page.getByText(/[1-9][\d,]* posts? since then/).waitFor();
  const [before, n_before] = [await frozen(), await n_held()];
  await until('more to be held back', async () => (await n_held()) > n_before);
  assert.deepEqual(await frozen(), before);
  await page.getByRole('button', { name: 'Resume live view' }).click();
  await until('another first post', async () => (await frozen())[1] !== before[1]);
});

test('a source filter counts only that source, and its URL can be shared', async (t) => {
  const { page } = await openLive(t);
  await posts(page).first().waitFor();
  await send(angryAbout('Tide Card'));
  await page.getByRole('combobox', { name: 'Source' }).selectOption('http');
  await page.getByText(/Filtered figures refresh every second/).waitFor();
  assert.equal(new URL(page.url()).search, '?source=http');
  // Windows hold complete buckets of ten seconds.
  await until('the posts sent by hand', async () => {
    const asked = await fetch(`${server.url}/api/metrics/overall?window=5m&source=http`);
    const { count } = await asked.json();
    assert.ok(count <= n_by_hand, `${count} posts, and ${n_by_hand} were sent by hand`);
    return count >= N_ANGRY;
  });
  await until('only posts sent by hand', async () => {
    const sources = await posts(page).allInnerTexts();
    return sources.length > 0 && sources.every((text) => text.includes('HTTP'));
  });
  const shared = await openLive(t, '/?source=http&window=5m');
  await says(chart(shared.page, 'Products'), new RegExp(`Tide Card: ${N_ANGRY} posts`));
});

test('a chart can be read as a table', async (t) => {
  const { page } = await openLive(t);
  await page.getByRole('button', { name: 'Products as a table' }).click();
  const table = page.getByRole('table', { name: 'Posts by product' });
  await table.getByRole('button', { name: 'Mayweather' }).click();
  await until('a filtered address', () => page.url().includes('product=Mayweather'));
});

test('the theme follows the system, and a choice survives a reload', async (t) => {
  const { page } = await openLive(t, '/', { colorScheme: 'dark' });
  const becomes = (theme) =>
    untilEqual('the theme', theme, () =>
      page.evaluate(() => document.documentElement.dataset.theme),
    );
  await becomes('dark');
  await page.getByRole('button', { name: 'Switch to light theme' }).click();
  await becomes('light');
  await page.reload();
  await becomes('light');
});

test('the page fits the width of a phone', async (t) => {
  const { page } = await openLive(t, '/', { viewport: { width: 390, height: 844 } });
  await posts(page).first().waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.goto(`${server.url}/system`);
  await page.getByRole('table', { name: 'Pipeline stages' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
});

test('the keyboard reaches the skip link first, then every control', async (t) => {
  const { page } = await openLive(t);
  await posts(page).first().waitFor();
  await page.keyboard.press('Tab');
  assert.equal(
    await page.evaluate(() => document.activeElement?.textContent),
    'Skip to main content',
  );
  await page.keyboard.press('Enter');
  await untilEqual('the focus', 'main', () => page.evaluate(() => document.activeElement?.id));
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  await page.locator('[aria-label="Last 5 minutes"]:focus').waitFor();
  await page.keyboard.press('Enter');
  await until('a longer window', () => page.url().includes('window=5m'));
});

test('a page survives a server restart', async (t) => {
  const { page } = await openLive(t);
  await posts(page).first().waitFor();
  await server.stopServing();
  await page
    .getByText(/No live data|Reconnecting/)
    .first()
    .waitFor();
  await server.serve(new URL(server.url).host);
  await page.getByText('Connected, live').waitFor({ state: 'attached' });
  await posts(page).first().waitFor();
});
