/**
 * Takes the screenshots in docs: dashboard-light.png and dashboard-dark.png of the Live page, and one of each of the pages
 * Explore, Queue, Alerts, Topics, Sources and System.
 *
 * Uses the server at the given URL, or starts its own with the posts of `make run`, a source that hears a Jetstream host
 * on this machine, a webhook and a topic:
 *
 *     npm run screenshots [-- http://127.0.0.1:8080]
 */
import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openBrowser, openPage } from '../e2e/support/browser.mjs';
import { JetstreamHost } from '../e2e/support/jetstream.mjs';
import { startAll } from '../e2e/support/processes.mjs';
import { RealServer } from '../e2e/support/server.mjs';
import { until } from '../e2e/support/until.mjs';

const KB_MAX = 600;
/** Fills half of the trend's five minutes. */
const FILL_MS = 150_000;
/** Collects posts to generate the history from. */
const FIRST_POSTS_MS = 30_000;
const CORRECTED_WITHIN_MS = 30_000;
const ALERT_WITHIN_MS = 5_000;
const STORED_WITHIN_MS = 240_000;
const POSTS_PER_PAST_HOUR = 300;
const POSTS_AT_ONCE = 500;
const HEARD_PER_SECOND = 12;

const docs = fileURLToPath(new URL('../../docs', import.meta.url));

let own;
let jetstream;
if (process.argv[2] === undefined) {
  [own, jetstream] = await startAll(
    RealServer.start('release', { GROUNDSWELL_EGRESS_ALLOW: '127.0.0.1' }),
    JetstreamHost.start(HEARD_PER_SECOND),
  );
  await addSources(own);
  own.replay(10);
  own.synth(6);
  console.log(`filling ${own.url} for ${(FIRST_POSTS_MS + FILL_MS) / 1_000} s`);
  await new Promise((resolve) => setTimeout(resolve, FIRST_POSTS_MS));
  await addHistory(own);
  await new Promise((resolve) => setTimeout(resolve, FILL_MS));
}
const url = process.argv[2] ?? own.url;

async function create(server, path, body) {
  const response = await fetch(`${server.url}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

async function addSources(server) {
  await create(server, 'sources', {
    network: 'bluesky',
    name: 'Bluesky',
    settings: { base_url: jetstream.url },
  });
  await create(server, 'sources', { network: 'webhook', name: 'CRM', settings: {} });
  await create(server, 'topics', {
    name: 'Judges',
    kind: 'issue',
    query: '(judge* OR referee OR "split decision") NOT lang:es',
  });
}

/** Repeats the posts so far over the last two days, so that Explore has a history. */
async function addHistory(server) {
  const answer = await fetch(`${server.url}/api/v1/posts?limit=500`);
  const posted = (await answer.json()).items.map(({ post }) => post);
  for (let hoursAgo = 50; hoursAgo >= 1; hoursAgo -= 1) {
    const begin = Date.now() - hoursAgo * 3_600_000;
    // More in the evening than at night.
    const activity = 1 + 0.6 * Math.cos(((new Date(begin).getHours() - 19) / 12) * Math.PI);
    const n = Math.round(
      POSTS_PER_PAST_HOUR * activity * (1 + 0.15 * Math.sin(hoursAgo * 12.9898)),
    );
    const posts = Array.from({ length: n }, (_, i) => {
      // Mix the posts, so that no two hours are the same.
      const { platform, text, products, city, country, channel } =
        posted[(i * 37 + hoursAgo * 101) % posted.length];
      return {
        id: `past-${hoursAgo}-${i}`,
        platform,
        text,
        created_at: new Date(begin + (i / n) * 3_600_000).toISOString(),
        ...(products[0] && { product: products[0] }),
        ...(channel && { channel }),
        ...(city && { geo: { city, country } }),
      };
    });
    for (let at = 0; at < n; at += POSTS_AT_ONCE) {
      await server.post(posts.slice(at, at + POSTS_AT_ONCE));
    }
  }
  const isStored = async () => {
    const { stream } = await (await fetch(`${server.url}/api/v1/system`)).json();
    return stream.lag + stream.pending < POSTS_AT_ONCE;
  };
  await until('the past to be stored', isStored, STORED_WITHIN_MS);
}

/** The Live page, once every panel has data. */
async function showLive(page) {
  await page.getByRole('list', { name: 'Posts, newest first' }).locator('> li').nth(7).waitFor();
  await page.locator('[data-chart-ready="true"]').nth(4).waitFor();
  // The sampling ratio is known after the first period.
  await page.waitForTimeout(6_000);
  // Prefer a corrected post, if there is one.
  const corrected = page.getByText(/^corrected/).first();
  await corrected.waitFor({ timeout: CORRECTED_WITHIN_MS }).catch(() => {});
}

async function showExplore(page) {
  await page.getByRole('img', { name: /^Volume and sentiment: [1-9]/ }).waitFor();
  await page
    .getByRole('list', { name: /^Posts by / })
    .getByRole('button')
    .first()
    .waitFor();
  await page
    .getByRole('list', { name: /^Posts, / })
    .getByRole('button')
    .nth(5)
    .waitFor();
  await page.locator('[data-chart-ready="true"]').first().waitFor();
  await page.waitForTimeout(1_000);
}

async function showQueue(page) {
  await page.getByRole('list', { name: 'Posts in the queue' }).waitFor();
  await page.locator('[data-post]').nth(4).waitFor();
  await page.waitForTimeout(1_000);
}

async function showTopics(page) {
  await page.getByRole('list', { name: 'Topics' }).getByRole('listitem').first().waitFor();
  await page
    .getByRole('button', { name: /^Edit / })
    .first()
    .click();
  await page.getByRole('list', { name: 'Newest matching posts' }).waitFor();
  await page.waitForTimeout(1_000);
}

async function showSources(page) {
  await page.getByRole('list', { name: 'Sources' }).getByText('running').first().waitFor();
  await page.waitForTimeout(1_000);
}

/** The open alerts, with the details of the first. */
async function showAlerts(page) {
  await page.getByRole('list', { name: 'Open alerts' }).waitFor({ state: 'attached' });
  const first = page.getByRole('list', { name: 'Open alerts' }).getByRole('button').first();
  await first.click({ timeout: ALERT_WITHIN_MS }).catch(() => {});
  await page.waitForTimeout(2_000);
}

async function showSystem(page) {
  await page.getByRole('table', { name: 'Pipeline stages' }).waitFor();
  // Rates need two readings, and trends a few more.
  await page.waitForTimeout(10_000);
}

/** Ends with the last full hour, because the replay in the current one would dwarf the others. */
function lastWholeDay() {
  const end = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  const [from, to] = [end - 24 * 3_600_000, end].map((at) => new Date(at).toISOString());
  return `from=${from}&to=${to}`;
}

const PICTURES = [
  { name: 'dashboard-light', colorScheme: 'light', path: '/', show: showLive },
  { name: 'dashboard-dark', colorScheme: 'dark', path: '/', show: showLive },
  { name: 'explore', colorScheme: 'light', path: `/explore?${lastWholeDay()}`, show: showExplore },
  { name: 'queue', colorScheme: 'light', path: '/queue', show: showQueue },
  { name: 'alerts', colorScheme: 'dark', path: '/alerts', show: showAlerts },
  { name: 'topics', colorScheme: 'light', path: '/topics', show: showTopics },
  { name: 'sources', colorScheme: 'light', path: '/sources', show: showSources },
  { name: 'system', colorScheme: 'light', path: '/system', show: showSystem },
];

await mkdir(docs, { recursive: true });
const browser = await openBrowser();
for (const { name, colorScheme, path, show } of PICTURES) {
  const { page, close } = await openPage(browser, {
    colorScheme,
    deviceScaleFactor: 2,
    reducedMotion: 'reduce',
  });
  await page.goto(`${url}${path}`);
  await show(page);
  const file = `${docs}/${name}.png`;
  await page.screenshot({ path: file });
  if ((await stat(file)).size > KB_MAX * 1024) await page.screenshot({ path: file, scale: 'css' });
  console.log(`${file} ${Math.round((await stat(file)).size / 1024)} KB`);
  await close();
}
await browser.close();
await own?.stop();
await jetstream?.stop();
