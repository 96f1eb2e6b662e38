/** Peaks, their explanations, and annotations, with the mouse, the keyboard and on a phone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const MINUTE_MS = 60_000;
const COPIED = 'We are recalling all Nimbrel Buds sold since May because the case can overheat';

/** How long a test waits for figures before it points at the chart again. */
const POINT_EVERY_MS = 5_000;

/** The number of posts in the minute of the burst. */
const N_BURST = 120;

let browser;
let server;
let burst;

before(async () => {
  [browser, server] = await startAll(openBrowser(), RealServer.start());
  burst = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 10 * MINUTE_MS;
  const post = (n, at, text) => ({
    id: `burst-${n}`,
    platform: 'web',
    text,
    created_at: new Date(at).toISOString(),
    author: { handle: `author${n % 90}` },
  });
  const quiet = Array.from({ length: 160 }, (_, n) =>
    post(n, burst - 40 * MINUTE_MS + n * 15_000, `parcel${n} came on day${n * 7} in box${n * 13}`),
  );
  const loud = Array.from({ length: N_BURST }, (_, n) =>
    post(1_000 + n, burst + n * 500, n % 4 === 0 ? `my buds${n} case${n * 3} is here` : COPIED),
  );
  await server.post([...quiet, ...loud]);
  await until('the posts to be counted', async () => {
    const { peaks } = await get('/api/v1/explore/series?window=1h&step=minute');
    return peaks.length > 0;
  });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const get = async (path) => (await fetch(`${server.url}${path}`)).json();

async function open(t, options) {
  const { page, problems, close } = await openPage(browser, options);
  t.after(close);
  await page.goto(`${server.url}/explore?window=1h&step=minute`);
  const chart = page.getByRole('img', { name: /^Volume and sentiment: / });
  await chart.locator('[data-chart-ready="true"] canvas').first().waitFor();
  await page.getByRole('button', { name: /^Explain the peak at/ }).waitFor();
  return { page, problems, chart };
}

test('the figures of a step name its peak, and its explanation leads to its posts', async (t) => {
  const { page, problems, chart } = await open(t);
  // Its place moves with every minute.
  await until('the figures of the peak', async () => {
    const { items } = await get('/api/v1/explore/series?window=1h&step=minute');
    const place = items.findIndex(({ from }) => Date.parse(from) === burst);
    const { x, y, width } = await chart.boundingBox();
    const middle = x + 48 + ((place + 0.5) * (width - 56)) / items.length;
    await page.mouse.move(middle, y + 50);
    await page.mouse.move(middle, y + 60);
    await page.getByText('Peak', { exact: true }).waitFor({ timeout: POINT_EVERY_MS });
    return true;
  });
  await page.getByRole('button', { name: /^Explain the peak at/ }).click();
  const sheet = page.getByRole('dialog', { name: /^What happened at/ });
  await sheet.getByText(/^75% are near copies of one post/).waitFor();
  const from = new Date(burst).toISOString();
  const to = new Date(burst + MINUTE_MS).toISOString();
  const explained = await get(`/api/v1/explore/explain?from=${from}&to=${to}`);
  assert.equal(explained.now.count, N_BURST);
  assert.match(
    explained.sentences[0].text,
    /^120 posts between .*, up from 4 in the 1 minute before/,
  );
  assert.deepEqual(await runAxe(page), []);
  await sheet.getByRole('link', { name: /^90 posts with / }).click();
  await page.waitForURL(/q=/);
  await page.getByRole('img', { name: /^Volume and sentiment: 90 posts/ }).waitFor();
  assert.deepEqual(problems, []);
});

test('the keyboard explains a peak, and adds, changes, deletes and restores an annotation', async (t) => {
  const { page, problems } = await open(t);
  const peak = page.getByRole('button', { name: /^Explain the peak at/ });
  await peak.focus();
  await page.keyboard.press('Enter');
  await page
    .getByRole('dialog')
    .getByText(/near copies of one post/)
    .waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await until('the focus to return', () =>
    peak.evaluate((button) => button === document.activeElement),
  );

  await page.getByRole('button', { name: 'Add annotation' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByLabel('What happened').waitFor();
  // The field takes the focus once the dialog is drawn.
  await page.waitForFunction(() => document.activeElement?.matches('input, textarea'));
  await page.keyboard.type('Autumn launch');
  await page.keyboard.press('Enter');
  const added = page.getByRole('button', { name: /^Edit the annotation at .*Autumn launch/ });
  await added.waitFor();

  const other = await open(t);
  await other.page.getByRole('button', { name: /Autumn launch/ }).waitFor();

  await added.focus();
  await page.keyboard.press('Enter');
  const text = page.getByRole('dialog').getByLabel('What happened');
  await text.fill('Winter launch');
  await page.keyboard.press('Enter');
  const changed = page.getByRole('button', { name: /Winter launch/ });
  await changed.waitFor();
  await other.page.getByRole('button', { name: /Winter launch/ }).waitFor();

  await changed.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Delete annotation' }).focus();
  await page.keyboard.press('Enter');
  await changed.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).focus();
  await page.keyboard.press('Enter');
  await changed.waitFor();
  await page.getByText('Restored “Winter launch”.').waitFor();
  assert.deepEqual(problems, []);
});

test('on a phone the list of peaks explains them, and nothing is wider than the screen', async (t) => {
  const { page, problems } = await open(t, {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
  });
  await page.getByRole('button', { name: /^Explain the peak at/ }).tap();
  await page
    .getByRole('dialog')
    .getByText(/near copies of one post/)
    .waitFor();
  assert.deepEqual(await runAxe(page), []);
  const tooWide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.ok(tooWide <= 0, `${tooWide} px`);
  assert.deepEqual(problems, []);
});
