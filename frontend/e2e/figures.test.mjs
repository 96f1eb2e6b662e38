/** Every number on Live and Explore against the API for the same period: while posts arrive, and after a flood of them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { URLSearchParams } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { end, RealServer } from './support/server.mjs';
import { Hopeless, until } from './support/until.mjs';

const POSTS_PER_SECOND = 35;
const FLOOD_PER_SECOND = 500;
/** The length of the live window. */
const WINDOW_MS = 60_000;
/** For how long the page then follows posts that arrive: more than the ten seconds of a step. */
const FOLLOW_MS = 12_000;
/** More than the ten seconds of a step. */
const FLOOD_MS = 12_000;
/** How many posts one request sends. */
const N_POSTED_MAX = 500;
/** A slow server stores this many in time for the live window to still contain them. */
const N_WAITING_MAX = 4_000;

let browser;
let server;
let synth;

before(async () => {
  // A correction between the page and the API would change the period under comparison.
  const variables = { GROUNDSWELL_LATENCY_BUDGET: '0' };
  [browser, server] = await startAll(openBrowser(), RealServer.start('debug', variables));
  await fill();
  synth = server.synth(POSTS_PER_SECOND);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Stores as many posts as the live window would hold by now. */
async function fill() {
  const now = Date.now();
  const n = (POSTS_PER_SECOND * WINDOW_MS) / 1_000;
  const texts = ['I love it, it works well', 'It is terrible, never again', 'It came on Monday'];
  const posts = Array.from({ length: n }, (_, i) => ({
    id: `earlier-${i}`,
    platform: 'web',
    product: i % 2 === 0 ? 'Mayweather' : 'McGregor',
    text: `${texts[i % texts.length]}, number ${i}`,
    created_at: new Date(now - (i * WINDOW_MS) / n).toISOString(),
  }));
  for (let i = 0; i < n; i += N_POSTED_MAX) await server.post(posts.slice(i, i + N_POSTED_MAX));
  await until('them to be stored', async () => (await n_waiting()) === 0);
}

const region = (page, name) => page.getByRole('region', { name, exact: true });
const whole = new Intl.NumberFormat('en');

const formatShare = (part, total) => {
  if (total <= 0) return '–';
  const percent = (part / total) * 100;
  return percent > 0 && percent < 1 ? '<1%' : `${Math.round(percent)}%`;
};

const formatSigned = (average) => {
  if (average === null) return '–';
  const rounded = average.toFixed(2);
  if (Number(rounded) === 0) return '0.00';
  return average > 0 ? `+${rounded}` : `−${rounded.slice(1)}`;
};

/** The figures of a row as the tables show them. */
const tallied = ({ count, sentiment, churn }) => [
  whole.format(count),
  formatSigned(sentiment.average),
  formatShare(sentiment.positive, count),
  formatShare(sentiment.negative, count),
  whole.format(churn.high),
];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function open(t) {
  const opened = await openPage(browser);
  t.after(opened.close);
  await opened.page.goto(server.url);
  return opened;
}

test(`at ${POSTS_PER_SECOND} posts a second, every number on Live and Explore is the API's`, async (t) => {
  const { page, settle, problems } = await open(t);
  await sleep(FOLLOW_MS);
  const period = await compareLive({ page, settle });
  await compareExplore({ page, settle, period });
  assert.deepEqual(problems, []);
});

test(`after ${FLOOD_PER_SECOND} posts a second, every number on Live and Explore is the API's`, async (t) => {
  const { page, settle, problems } = await open(t);
  const flood = server.synth(FLOOD_PER_SECOND);
  const over = Date.now() + FLOOD_MS;
  while (Date.now() < over && (await n_waiting()) < N_WAITING_MAX) await sleep(500);
  // No machine has to keep up with the flood: the figures are final once all of it is stored.
  await Promise.all([synth, flood].map(end));
  await until('all posts to be stored', async () => (await n_waiting()) === 0);
  const period = await compareLive({ page, settle });
  await compareExplore({ page, settle, period });
  assert.deepEqual(problems, []);
});

/** The number of posts that are not stored yet. */
async function n_waiting() {
  const { stream } = await get('/api/v1/system', {});
  return stream.lag + stream.pending;
}

/** What the API counted in a period. */
async function countedIn(period) {
  const { count, sentiment, churn } = await get('/api/metrics/overall', period);
  return { count, sentiment, churn };
}

/**
 * Compares a period until it was the same in the API before and after: posts that are stored late are no difference.
 *
 * `prepare` returns a period with what the API counted in it before the page showed it, or null to try another.
 */
async function compareSettled({ prepare, compare, retry }) {
  return until('a period that no longer changes', async () => {
    const prepared = await prepare();
    if (prepared === null) return false;
    const difference = await compare(prepared).then(
      () => null,
      (error) => error,
    );
    const hasChanged = !isDeepStrictEqual(prepared.counted, await countedIn(prepared.period));
    if (difference === null) return prepared.period;
    if (!hasChanged) throw new Hopeless(difference.message, { cause: difference });
    await retry?.();
    return false;
  });
}

async function get(path, parameters) {
  const response = await fetch(`${server.url}${path}?${new URLSearchParams(parameters)}`);
  assert.ok(response.ok, `${path}: ${response.status}`);
  return response.json();
}

/** Returns the texts of a definition list by term, and the links of the values. */
async function readFigures(page, name) {
  return page.locator(`dl[aria-label="${name}"] > div`).evaluateAll((figures) =>
    figures.map((figure) => ({
      name: figure.querySelector('dt').textContent,
      value: figure.querySelector('dd > *').textContent,
      note: figure.querySelector('dd:last-of-type').textContent,
      href: figure.querySelector('a')?.href ?? null,
    })),
  );
}

/** Shows a chart as a table and returns its rows: the name, the figures, and the period that the row links to. */
async function readTable(page, panel) {
  const table = region(page, panel).getByRole('table');
  if ((await table.count()) === 0) {
    await region(page, panel)
      .getByRole('button', { name: `${panel} as a table` })
      .click();
  }
  await table.waitFor();
  return table.locator('tbody tr').evaluateAll((rows) =>
    rows.map((row) => ({
      name: row.querySelector('th').textContent,
      figures: [...row.querySelectorAll('td')].map((cell) => cell.textContent),
      search: Object.fromEntries(new URL(row.querySelector('td a').href).searchParams),
    })),
  );
}

/** Compares the Live page, once it shows as many posts as the API counted in its period, and returns that period. */
async function compareLive({ page, settle }) {
  const button = (name) => page.getByRole('button', { name, exact: true }).first();
  const shown = async () => {
    const [{ value, href }] = await readFigures(page, 'Headline numbers');
    const { from, to } = Object.fromEntries(new URL(href).searchParams);
    return { value, period: { from, to } };
  };
  const resume = () => button('Resume').click();
  return compareSettled({
    prepare: async () => {
      const { value, period } = await shown();
      const counted = await countedIn(period);
      assert.equal(value, whole.format(counted.count));
      assert.ok(counted.count > 0);
      await button('Pause').click();
      await settle();
      // It may show the next period by now.
      if (isDeepStrictEqual((await shown()).period, period)) return { period, counted };
      await resume();
      return null;
    },
    compare: ({ period, counted }) => comparePaused(page, period, counted),
    retry: resume,
  });
}

async function comparePaused(page, { from, to }, { count, sentiment, churn }) {
  const figures = await readFigures(page, 'Headline numbers');
  assert.equal(Date.parse(to) - Date.parse(from), 60_000);
  assert.equal((await get('/api/metrics/overall', { from, to })).window.seconds, 60);
  assert.deepEqual(
    figures.map(({ name, value }) => [name, value]),
    [
      ['Posts, last 60 seconds', whole.format(count)],
      ['Average sentiment', formatSigned(sentiment.average)],
      ['Negative share', formatShare(sentiment.negative, count)],
      ['High churn risk', whole.format(churn.high)],
    ],
  );
  // What it was in the previous period comes first, if there was one.
  const notes = figures.map(({ note }) => note.replace(/^was .* · /, ''));
  assert.equal(notes[2], `${whole.format(sentiment.negative)} posts`);
  assert.equal(notes[3], `risk ≥ 0.8, average ${churn.average.toFixed(2)}`);

  for (const [panel, path] of [
    ['Cities', '/api/metrics/geo'],
    ['Products', '/api/metrics/products'],
    ['Channels', '/api/metrics/channels'],
  ]) {
    const key = { Cities: 'city', Products: 'product', Channels: 'channel' }[panel];
    const { items } = await get(path, { from, to });
    const known = new Map(items.map((item) => [item.key, tallied(item)]));
    const rows = await readTable(page, panel);
    assert.ok(rows.length > 0, panel);
    for (const { figures, search } of rows) {
      assert.deepEqual(figures, known.get(search[key]), `${panel}: ${search[key]}`);
    }
  }

  const emotions = await get('/api/metrics/emotions', { from, to });
  const byEmotion = new Map(emotions.items.map(({ key, count }) => [key, count]));
  for (const { figures, search } of await readTable(page, 'Emotions')) {
    const n = byEmotion.get(search.emotion) ?? 0;
    assert.deepEqual(figures, [whole.format(n), formatShare(n, count)], search.emotion);
  }

  const steps = (await readTable(page, 'Trend')).filter(({ name }) => !name.includes('incomplete'));
  const trend = await get('/api/metrics/trend', { from: steps.at(-1).search.from, to });
  const byStart = new Map(trend.items.map((item) => [Date.parse(item.from), item]));
  assert.ok(steps.length >= 6, `${steps.length} steps`);
  for (const { figures, search } of steps) {
    const step = byStart.get(Date.parse(search.from));
    assert.deepEqual(
      figures,
      [
        whole.format(step.count),
        formatSigned(step.sentiment.average),
        formatShare(step.sentiment.negative, step.count),
        whole.format(step.churn.high),
      ],
      search.from,
    );
  }

  const lead = await page.locator('main').textContent();
  assert.ok(lead.includes(`Sentiment ${formatSigned(sentiment.average)}`), lead.slice(0, 200));
}

/** Compares the Explore page over the same period. */
async function compareExplore({ page, settle, period }) {
  await compareSettled({
    prepare: async () => ({ period, counted: await countedIn(period) }),
    compare: ({ counted }) => compareExplored({ page, settle, period, counted }),
  });
}

async function compareExplored({ page, settle, period, counted }) {
  await page.goto(`${server.url}/explore?${new URLSearchParams(period)}`);
  const breakdown = await get('/api/v1/explore/breakdown', { ...period, by: 'product' });
  const { count, sentiment, churn } = counted;
  const figure = (name) =>
    page.locator('dl > div').filter({ has: page.getByText(name, { exact: true }) });
  const shown = (name) => figure(name).locator('dd > *').first().textContent();
  const rows = page.getByRole('list', { name: 'Posts by product' }).getByRole('listitem');
  await rows.first().waitFor();
  await settle();
  assert.equal(await shown('Posts'), whole.format(count));
  assert.equal(await shown('Average sentiment'), formatSigned(sentiment.average));
  assert.equal(await shown('Negative share'), formatShare(sentiment.negative, count));
  assert.equal(await shown('High churn risk'), whole.format(churn.high));

  const texts = await rows.allTextContents();
  assert.equal(texts.length, breakdown.items.length);
  breakdown.items.forEach(({ key, count: n, share }, index) => {
    const expected = `${key || 'Unattributed'}${whole.format(n)}${formatShare(share, 1)}`;
    assert.ok(texts[index].startsWith(expected), `${texts[index]} is not ${expected}`);
  });
}
