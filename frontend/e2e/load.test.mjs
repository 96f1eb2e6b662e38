/** The page under 1,000 posts per second, with 60 updates per second, and after every kind of disconnect. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { startAll } from './support/processes.mjs';
import { until, untilEqual } from './support/until.mjs';

const UPDATES_PER_SECOND = 60;

let browser;
let fixture;

before(async () => {
  const updates = UPDATES_PER_SECOND;
  [browser, fixture] = await startAll(openBrowser(), startFixture(20, { updates }));
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

const listOf = (page) => page.getByRole('list', { name: 'Posts, newest first' }).locator('> li');

/** How many times another post comes first while the list is full. Filling it has already taken a dozen times. */
const N_RENEWALS = 3;

test('at 1,000 posts per second the list is sampled, does not grow, and can be paused', async (t) => {
  const flood = await startFixture(1_000);
  t.after(() => flood.stop());
  const { page, problems, close } = await openPage(browser);
  t.after(close);
  await page.goto(flood.url);
  await page.getByText(/sampled: showing 1 in [1-9]\d+/).waitFor();
  await untilEqual('a full list', 80, () => listOf(page).count());
  const first = () => listOf(page).first().innerText();
  for (let n = 0; n < N_RENEWALS; n += 1) {
    const shown = await first();
    await until('another post', async () => (await first()) !== shown);
    assert.equal(await listOf(page).count(), 80);
  }
  // The page still responds to input.
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText(/[1-9][\d,]* posts since then/).waitFor();
  assert.deepEqual(problems, []);
});

/** Several times what may pass without a change: five seconds of a machine that paints every frame. */
const N_FRAMES = 300;
/** Frames without a change, after which a second was skipped. */
const N_IDLE_MAX = 90;

test(`at ${UPDATES_PER_SECOND} updates per second, the headline changes with them`, async (t) => {
  const { page, problems, close } = await openPage(browser);
  t.after(close);
  await page.addInitScript(noteUpdates);
  await page.goto(fixture.url);
  await page.locator('[data-chart-ready="true"]').nth(4).waitFor();
  const { n_changes, mostIdle } = await page.evaluate(watchHeadline, N_FRAMES);
  t.diagnostic(
    `${n_changes} changes in ${N_FRAMES} frames; at most ${mostIdle} frames without one`,
  );
  assert.ok(n_changes > 0, 'the headline never changed');
  assert.ok(mostIdle <= N_IDLE_MAX, `${mostIdle} frames with updates, and without a change`);
  assert.deepEqual(problems, []);
});

/** Runs in the page before it loads: counts the updates that arrive. */
function noteUpdates() {
  window.n_updates = 0;
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...address) {
      super(...address);
      this.addEventListener('message', ({ data }) => {
        if (String(data).startsWith('{"event":"metrics:')) window.n_updates += 1;
      });
    }
  };
}

/**
 * Runs in the page: counts the changes of the headline, and the most frames in a row that were painted after an update
 * and without a change.
 *
 * In frames instead of seconds, because a page that the machine does not let run can show nothing.
 */
async function watchHeadline(n_frames) {
  let [n_changes, idle, mostIdle] = [0, 0, 0];
  const observer = new MutationObserver(() => {
    n_changes += 1;
    idle = 0;
  });
  observer.observe(document.querySelector('[aria-label="Headline numbers"]'), {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
  });
  for (let frame = 0; frame < n_frames; frame += 1) {
    const n_before = window.n_updates;
    await new Promise(requestAnimationFrame);
    if (window.n_updates > n_before) idle += 1;
    mostIdle = Math.max(mostIdle, idle);
  }
  observer.disconnect();
  return { n_changes, mostIdle };
}

/** How long a test waits for a state before it closes the connection again. */
const CLOSE_EVERY_MS = 10_000;

/** Records every state that the page shows, and returns a function that waits for one. */
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
  return (state) =>
    page.waitForFunction((state) => window.seen.some((one) => one.includes(state)), state, {
      timeout: CLOSE_EVERY_MS,
    });
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
    const live = page.locator('[data-connection="live"]');
    await live.waitFor();
    const sees = await noteStates(page);
    // It waits for a quarter of a second at first, which a slow machine may not paint, and longer every time.
    await until('the reason', async () => {
      await live.waitFor();
      await fixture.closeSockets(code);
      await sees(`waiting: No live data: ${reason}`);
      return true;
    });
    await live.waitFor();
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
  await page.locator('[data-connection="live"]').waitFor();
});
