/** The page under 1,000 posts per second, and after every kind of disconnect. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { skipWhenBusy } from './support/busy.mjs';
import { startFixture } from './support/fixture.mjs';
import { inSoak } from './support/soak.mjs';
import { until } from './support/server.mjs';

const SOON_MS = 30_000;

let browser;
let fixture;

before(async () => {
  [browser, fixture] = await Promise.all([openBrowser(), startFixture(1_000)]);
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

test('at 1,000 posts per second the list is sampled, and neither it nor the heap grows', async (t) => {
  const { page, problems, close } = await openPage(browser);
  t.after(close);
  const session = await page.context().newCDPSession(page);
  await page.goto(fixture.url);
  await page.getByText(/sampled: showing 1 in \d{3}/).waitFor({ timeout: SOON_MS });
  const measure = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    return {
      heapMb: usedSize / 1e6,
      items: await page.getByRole('list', { name: 'Posts, newest first' }).locator('> li').count(),
    };
  };
  // Fill the list before measuring the heap.
  await until('a full list', 90_000, async () => (await measure()).items === 80);
  const before = await measure();
  await page.waitForTimeout(10_000);
  const after = await measure();
  assert.equal(after.items, 80);
  assert.ok(
    after.heapMb < before.heapMb + 5,
    `heap grew from ${before.heapMb} to ${after.heapMb} MB`,
  );
  // The page still responds to input.
  await page.getByRole('button', { name: 'Pause' }).click({ timeout: SOON_MS });
  await page.getByText(/[1-9][\d,]* posts since then/).waitFor({ timeout: SOON_MS });
  assert.deepEqual(problems, []);
});

const UPDATES_PER_SECOND = 60;
const WATCHED_SECONDS = inSoak(60, 20);

test(`${UPDATES_PER_SECOND} updates per second for ${WATCHED_SECONDS} s skip no second and do not grow the heap`, async (t) => {
  const busy = await startFixture(20, { updates: UPDATES_PER_SECOND });
  t.after(() => busy.stop());
  const { page, problems, close } = await openPage(browser);
  t.after(close);
  const session = await page.context().newCDPSession(page);
  let n_frames = 0;
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      if (String(payload).startsWith('{"event":"metrics:')) n_frames += 1;
    }),
  );
  await page.goto(busy.url);
  await page.locator('[data-chart-ready="true"]').nth(4).waitFor({ timeout: SOON_MS });
  const heapMb = async () => {
    await session.send('HeapProfiler.collectGarbage');
    return (await session.send('Runtime.getHeapUsage')).usedSize / 1e6;
  };
  // Let the list and the caches of ECharts and React fill before measuring the heap.
  await until('a full list', 180_000, async () => {
    const items = page.getByRole('list', { name: 'Posts, newest first' }).locator('> li');
    return (await items.count()) === 80;
  });
  const before = await heapMb();
  n_frames = 0;
  const seconds = await page.evaluate(watchHeadlines, WATCHED_SECONDS);
  const n_received = n_frames;
  const after = await heapMb();
  const least = Math.min(...seconds.map(({ changes }) => changes));
  const slowest = Math.max(...seconds.map(({ longestMs }) => longestMs));
  t.diagnostic(
    `${(n_received / WATCHED_SECONDS).toFixed(1)} updates/s received; at least ${least} changes on the screen in each second, ` +
      `longest frame ${slowest.toFixed(0)} ms; heap ${before.toFixed(1)} → ${after.toFixed(1)} MB`,
  );
  assert.ok(least >= 1, 'a second passed without a change');
  assert.ok(after < before + 5, `heap grew from ${before} to ${after} MB`);
  assert.deepEqual(problems, []);
  if (skipWhenBusy(t)) return;
  assert.ok(n_received >= UPDATES_PER_SECOND * WATCHED_SECONDS * 0.8, `${n_received} updates`);
});

/** Runs in the page: records changes of the headline numbers and the longest frame per second. */
async function watchHeadlines(n_seconds) {
  const seconds = Array.from({ length: n_seconds }, () => ({ changes: 0, longestMs: 0 }));
  const began = performance.now();
  const current = () => seconds[Math.floor((performance.now() - began) / 1_000)];
  const observer = new MutationObserver(() => {
    const second = current();
    if (second) second.changes += 1;
  });
  observer.observe(document.querySelector('[aria-label="Headline numbers"]'), {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
  });
  let last = began;
  while (performance.now() - began < n_seconds * 1_000) {
    await new Promise(requestAnimationFrame);
    const second = current();
    if (second) second.longestMs = Math.max(second.longestMs, performance.now() - last);
    last = performance.now();
  }
  observer.disconnect();
  return seconds;
}

/** Records every state that the page shows; some last a quarter of a second. */
async function noteStates(page) {
  await page.evaluate(() => {
    window.seen = [];
    const note = () =>
      window.seen.push(
        `${document.querySelector('[data-connection]')?.dataset.connection}: ${document.querySelector('main')?.innerText.match(/No live data.*|Reconnecting.*/)?.[0] ?? ''}`,
      );
    new MutationObserver(note).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ['data-connection'],
    });
  });
  return (pattern) =>
    until(`${pattern}`, SOON_MS, () =>
      page.evaluate((source) => window.seen.some((one) => new RegExp(source).test(one)), pattern),
    );
}

const REASONS = {
  1001: 'the server is restarting',
  1013: 'the server is busy',
  4408: 'the connection was lost',
};

for (const [code, reason] of Object.entries(REASONS)) {
  test(`after close code ${code}, the page says why and reconnects`, async (t) => {
    const { page, close } = await openPage(browser);
    t.after(close);
    await page.goto(fixture.url);
    await page.locator('[data-connection="live"]').waitFor();
    const saw = await noteStates(page);
    await fixture.closeSockets(code);
    await saw(`waiting: No live data: ${reason}`);
    await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
  });
}

test('a rejected page stays disconnected until the person retries', async (t) => {
  const { page, close } = await openPage(browser);
  t.after(close);
  await page.goto(fixture.url);
  await page.locator('[data-connection="live"]').waitFor();
  await fixture.closeSockets(4403);
  await page.locator('[data-connection="refused"]').waitFor();
  await page.getByRole('button', { name: 'Retry now' }).click();
  await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
});
