/** The page under a thousand posts a second, and under every way a connection can end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
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

test('at a thousand posts a second the list is a sample, and neither list nor heap grows', async (t) => {
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
  // The list is full before the heap can be flat.
  await until('a full list', 90_000, async () => (await measure()).items === 80);
  const before = await measure();
  const frames = await page.evaluate(
    () =>
      new Promise((resolve) => {
        let drawn = 0;
        const until = performance.now() + 10_000;
        const draw = () => {
          drawn += 1;
          if (performance.now() < until) requestAnimationFrame(draw);
          else resolve(drawn);
        };
        requestAnimationFrame(draw);
      }),
  );
  const after = await measure();
  assert.equal(after.items, 80);
  assert.ok(
    after.heapMb < before.heapMb + 5,
    `heap grew from ${before.heapMb} to ${after.heapMb} MB`,
  );
  // Two cores shared with everything else, and no graphics card: a fifth of the screen's rate still reads as live.
  assert.ok(frames > 100, `${frames} frames in 10 s`);
  assert.deepEqual(problems, []);
});

for (const code of [1001, 1013, 4408]) {
  test(`after close code ${code} the page counts down and comes back`, async (t) => {
    const { page, close } = await openPage(browser);
    t.after(close);
    await page.goto(fixture.url);
    await page.locator('[data-connection="live"]').waitFor();
    await fixture.closeSockets(code);
    await page.locator('[data-connection="waiting"]').waitFor();
    await page.getByRole('button', { name: 'Try now' }).waitFor();
    await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
  });
}

test('a refusal stays, until a person tries again', async (t) => {
  const { page, close } = await openPage(browser);
  t.after(close);
  await page.goto(fixture.url);
  await page.locator('[data-connection="live"]').waitFor();
  await fixture.closeSockets(4403);
  await page.locator('[data-connection="refused"]').waitFor();
  await page.getByRole('button', { name: 'Try now' }).click();
  await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
});
