/** Every number on Live and Explore against the API for the same period, while posts arrive. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { URLSearchParams } from 'node:url';
import { openBrowser, openPage } from './support/browser.mjs';
import { RealServer, until } from './support/server.mjs';

const SOON_MS = 60_000;
const RATES = [35, 500];
/** Fills most of the live window. */
const FILL_MS = 45_000;
/** Age of the window at which it is compared: its posts are stored by then, and the next window is not due yet. */
const SETTLED_MS = [2_500, 6_000];

let browser;

before(async () => {
  browser = await openBrowser();
});

after(() => browser?.close());

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

for (const rate of RATES) {
  test(`at ${rate} posts a second, every number on Live and Explore is the API's`, async (t) => {
    // A correction between the page and the API would change the period under comparison.
    const server = await RealServer.start('debug', { GROUNDSWELL_LATENCY_BUDGET: '0' });
    t.after(() => server.stop());
    server.synth(rate);
    const { page, close, problems } = await openPage(browser);
    t.after(close);
    page.setDefaultTimeout(SOON_MS);
    await page.goto(server.url);
    await new Promise((resolve) => setTimeout(resolve, FILL_MS));
    await compareLive(server, page);
    await compareExplore(server, page);
    assert.deepEqual(problems, []);
  });
}

async function get(server, path, parameters) {
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
  await region(page, panel)
    .getByRole('button', { name: `${panel} as a table` })
    .click();
  const table = region(page, panel).getByRole('table');
  await table.waitFor();
  return table.locator('tbody tr').evaluateAll((rows) =>
    rows.map((row) => ({
      name: row.querySelector('th').textContent,
      figures: [...row.querySelectorAll('td')].map((cell) => cell.textContent),
      search: Object.fromEntries(new URL(row.querySelector('td a').href).searchParams),
    })),
  );
}

async function compareLive(server, page) {
  const link = page.locator('dl[aria-label="Headline numbers"] a').first();
  await until('the window to settle', SOON_MS, async () => {
    const age =
      Date.now() - Date.parse(new URL(await link.evaluate((a) => a.href)).searchParams.get('to'));
    return age > SETTLED_MS[0] && age < SETTLED_MS[1];
  });
  await page.getByRole('button', { name: 'Pause' }).click();
  const figures = await readFigures(page, 'Headline numbers');
  const { from, to } = Object.fromEntries(new URL(figures[0].href).searchParams);
  assert.equal(Date.parse(to) - Date.parse(from), 60_000);

  const overall = await get(server, '/api/metrics/overall', { from, to });
  assert.equal(overall.window.seconds, 60);
  assert.ok(overall.count > 0);
  const { count, sentiment, churn } = overall;
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
    const { items } = await get(server, path, { from, to });
    const known = new Map(items.map((item) => [item.key, tallied(item)]));
    const rows = await readTable(page, panel);
    assert.ok(rows.length > 0, panel);
    for (const { figures, search } of rows) {
      assert.deepEqual(figures, known.get(search[key]), `${panel}: ${search[key]}`);
    }
  }

  const emotions = await get(server, '/api/metrics/emotions', { from, to });
  const byEmotion = new Map(emotions.items.map(({ key, count }) => [key, count]));
  for (const { figures, search } of await readTable(page, 'Emotions')) {
    const n = byEmotion.get(search.emotion) ?? 0;
    assert.deepEqual(figures, [whole.format(n), formatShare(n, count)], search.emotion);
  }

  const steps = (await readTable(page, 'Trend')).filter(({ name }) => !name.includes('incomplete'));
  const trend = await get(server, '/api/metrics/trend', { from: steps.at(-1).search.from, to });
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

/** Compares Explore over a minute that ended a while ago, which no longer changes. */
async function compareExplore(server, page) {
  const end = Math.floor(Date.now() / 10_000) * 10_000 - 10_000;
  const [from, to] = [end - 60_000, end].map((at) => new Date(at).toISOString());
  await page.goto(`${server.url}/explore?${new URLSearchParams({ from, to })}`);
  const breakdown = await get(server, '/api/v1/explore/breakdown', { from, to, by: 'product' });
  const overall = await get(server, '/api/metrics/overall', { from, to });
  const { count, sentiment, churn } = overall;
  const figure = (name) =>
    page.locator('dl > div').filter({ has: page.getByText(name, { exact: true }) });
  const shown = (name) => figure(name).locator('dd > *').first().textContent();
  await until(
    'Explore to show the period',
    SOON_MS,
    async () => (await shown('Posts')) === whole.format(count),
  );
  assert.equal(await shown('Average sentiment'), formatSigned(sentiment.average));
  assert.equal(await shown('Negative share'), formatShare(sentiment.negative, count));
  assert.equal(await shown('High churn risk'), whole.format(churn.high));

  const rows = page.getByRole('list', { name: 'Posts by product' }).getByRole('listitem');
  await rows.first().waitFor();
  const texts = await rows.allTextContents();
  assert.equal(texts.length, breakdown.items.length);
  breakdown.items.forEach(({ key, count: n, share }, index) => {
    const expected = `${key || 'Unattributed'}${whole.format(n)}${formatShare(share, 1)}`;
    assert.ok(texts[index].startsWith(expected), `${texts[index]} is not ${expected}`);
  });
}
