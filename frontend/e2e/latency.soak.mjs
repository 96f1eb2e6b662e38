/** The time from a stored post and from a committed rollup to the screen: real binary, real browser, quiet machine. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const WITHIN_MS = 100;
/** Posts are that far apart, because a faster feed moves only every 1.2 s, so that it can be read. */
const APART_MS = 1_300;
/** The window of the headline moves every ten seconds, so this covers five of its frames. */
const LENGTH_MS = 55_000;

let server;
let browser;

before(async () => {
  [server, browser] = await startAll(RealServer.start('release'), openBrowser());
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Runs in the page: records when it showed each text of the feed and each number of the headline. */
function noteShown() {
  window.shown = { texts: new Map(), counts: new Map() };
  const note = (known, value) => {
    // The frame that paints it ends after this callback starts.
    requestAnimationFrame(() => {
      if (!known.has(value)) known.set(value, performance.timeOrigin + performance.now());
    });
  };
  const read = () => {
    const { texts, counts } = window.shown;
    for (const [text] of document.body.innerText.matchAll(/hello number \d+/g)) note(texts, text);
    const headline = document.querySelector('[aria-label="Headline numbers"]');
    note(counts, Number(headline.children[0].querySelector('dd').innerText.match(/^[\d,]+/)?.[0]));
  };
  new MutationObserver(read).observe(document.body, {
    subtree: true,
    childList: true,
    characterData: true,
  });
}

test(`a stored post and a committed rollup are on the screen within ${WITHIN_MS} ms`, async (t) => {
  const { page, close } = await openPage(browser);
  t.after(close);
  const pushed = { texts: new Map(), counts: new Map() };
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      const { ts, data } = JSON.parse(String(payload));
      const at = Date.parse(ts);
      const [text, count] = [data?.post?.text, data?.overall?.count];
      if (text !== undefined && !pushed.texts.has(text)) pushed.texts.set(text, at);
      if (count !== undefined && !pushed.counts.has(count)) pushed.counts.set(count, at);
    }),
  );
  await server.post([{ id: 'first', platform: 'web', text: 'hello' }]);
  await page.goto(server.url);
  await page.getByLabel('Headline numbers').waitFor();
  await page.evaluate(noteShown);
  const accepted = new Map();
  const deadline = Date.now() + LENGTH_MS;
  for (let n = 1; Date.now() < deadline; n += 1) {
    const text = `hello number ${n}`;
    await server.post([{ id: `post-${n}`, platform: 'web', text }]);
    accepted.set(text, Date.now());
    await until(text, () => page.evaluate((text) => window.shown.texts.has(text), text));
    // Desynchronize from the redraws.
    await new Promise((resolve) => setTimeout(resolve, APART_MS + Math.random() * 200));
  }
  const shown = await page.evaluate(() => ({
    texts: [...window.shown.texts],
    counts: [...window.shown.counts],
  }));
  /** Returns p50 and p99 of the times since `from`. Skips the first, because the page is still building its charts. */
  const quantiles = (shown, from) => {
    const took = shown.filter(([key]) => from.has(key)).map(([key, at]) => at - from.get(key));
    const sorted = took.slice(1).toSorted((a, b) => a - b);
    assert.ok(sorted.length >= 3, `${sorted.length} times`);
    const [p50, p99] = [0.5, 0.99].map((q) => Math.round(sorted[Math.ceil(q * sorted.length) - 1]));
    return { p50, p99, n: sorted.length };
  };
  const describe = ({ p50, p99, n }) => `p50 ${p50} ms, p99 ${p99} ms of ${n}`;
  const post = quantiles(shown.texts, pushed.texts);
  const rollup = quantiles(shown.counts, pushed.counts);
  t.diagnostic(
    `post accepted → screen: ${describe(quantiles(shown.texts, accepted))} (scoring and commit included)`,
  );
  t.diagnostic(`post pushed → screen: ${describe(post)}`);
  t.diagnostic(`rollup pushed → screen: ${describe(rollup)}`);
  assert.ok(post.p50 <= WITHIN_MS, `post: p50 ${post.p50} ms`);
  assert.ok(rollup.p50 <= WITHIN_MS, `rollup: p50 ${rollup.p50} ms`);
});
