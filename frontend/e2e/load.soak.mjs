/** Memory, frames and updates of the page under load, on a quiet machine. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { untilEqual } from './support/until.mjs';

const HEAP_GROWTH_MAX_MB = 5;
const WATCHED_SECONDS = 60;
const UPDATES_PER_SECOND = 60;

let browser;

before(async () => {
  browser = await openBrowser();
});

after(() => browser?.close());

/** Opens the page of a fixture, and returns it with a full list, which takes up memory of its own. */
async function openFull(t, rate, options) {
  const fixture = await startFixture(rate, options);
  t.after(() => fixture.stop());
  const { page, problems, close } = await openPage(browser);
  t.after(close);
  const session = await page.context().newCDPSession(page);
  const heapMb = async () => {
    await session.send('HeapProfiler.collectGarbage');
    return (await session.send('Runtime.getHeapUsage')).usedSize / 1e6;
  };
  let n_frames = 0;
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      if (String(payload).startsWith('{"event":"metrics:')) n_frames += 1;
    }),
  );
  await page.goto(fixture.url);
  await page.locator('[data-chart-ready="true"]').nth(4).waitFor();
  const list = page.getByRole('list', { name: 'Posts, newest first' }).locator('> li');
  await untilEqual('a full list', 80, () => list.count());
  return { page, problems, heapMb, n_frames: () => n_frames };
}

function assertBounded(before, after) {
  const growth = `from ${before.toFixed(1)} to ${after.toFixed(1)} MB`;
  assert.ok(after < before + HEAP_GROWTH_MAX_MB, `the heap grew ${growth}`);
}

test('at 1,000 posts per second the heap does not grow', async (t) => {
  const { page, problems, heapMb } = await openFull(t, 1_000);
  const before = await heapMb();
  await page.waitForTimeout(WATCHED_SECONDS * 1_000);
  assertBounded(before, await heapMb());
  assert.deepEqual(problems, []);
});

test(`${UPDATES_PER_SECOND} updates per second for ${WATCHED_SECONDS} s skip no second and do not grow the heap`, async (t) => {
  const options = { updates: UPDATES_PER_SECOND };
  const { page, problems, heapMb, n_frames } = await openFull(t, 20, options);
  const before = await heapMb();
  const n_before = n_frames();
  const seconds = await page.evaluate(watchHeadline, WATCHED_SECONDS);
  const n_received = n_frames() - n_before;
  const after = await heapMb();
  const least = Math.min(...seconds.map(({ changes }) => changes));
  const slowest = Math.max(...seconds.map(({ longestMs }) => longestMs));
  t.diagnostic(
    `${(n_received / WATCHED_SECONDS).toFixed(1)} updates/s received; at least ${least} changes on the screen in each second, ` +
      `longest frame ${slowest.toFixed(0)} ms; heap ${before.toFixed(1)} → ${after.toFixed(1)} MB`,
  );
  assert.ok(least >= 1, 'a second passed without a change');
  assertBounded(before, after);
  assert.ok(n_received >= UPDATES_PER_SECOND * WATCHED_SECONDS * 0.8, `${n_received} updates`);
  assert.deepEqual(problems, []);
});

/** Runs in the page: records changes of the headline numbers and the longest frame per second. */
async function watchHeadline(n_seconds) {
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
