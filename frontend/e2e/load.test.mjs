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
  await page.waitForTimeout(10_000);
  const after = await measure();
  assert.equal(after.items, 80);
  assert.ok(
    after.heapMb < before.heapMb + 5,
    `heap grew from ${before.heapMb} to ${after.heapMb} MB`,
  );
  // It still listens to a person.
  await page.getByRole('button', { name: 'Pause' }).click({ timeout: 5_000 });
  await page.getByText(/[1-9][\d,]* posts held back/).waitFor({ timeout: 5_000 });
  assert.deepEqual(problems, []);
});

/** Notes every state that the page shows from now on: some last a quarter of a second. */
async function noteStates(page) {
  await page.evaluate(() => {
    window.seen = [];
    const note = () =>
      window.seen.push(
        `${document.querySelector('[data-connection]')?.dataset.connection}: ${document.querySelector('main')?.innerText.match(/No live data.*|Trying to connect.*/)?.[0] ?? ''}`,
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
  1013: 'the server cannot serve this page just now',
  4408: 'the connection was lost',
};

for (const [code, reason] of Object.entries(REASONS)) {
  test(`after close code ${code} the page says why and comes back by itself`, async (t) => {
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
