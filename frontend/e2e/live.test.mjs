/** Links from every chart of the Live page to the posts behind it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { startAll } from './support/processes.mjs';
import { until, untilEqual } from './support/until.mjs';

let browser;
let fixture;

before(async () => {
  [browser, fixture] = await startAll(openBrowser(), startFixture(20));
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

const region = (page, name) => page.getByRole('region', { name, exact: true });

async function openLive(t, path = '/') {
  const { page, close } = await openPage(browser);
  t.after(close);
  await page.goto(`${fixture.url}${path}`);
  await page.locator('[data-chart-ready="true"]').nth(4).waitFor();
  return page;
}

/** Returns the search parameters, which must be a valid Explore range. */
async function explored(page) {
  await page.waitForURL(/\/explore\?/);
  const search = Object.fromEntries(new URL(page.url()).searchParams);
  assert.ok(Date.parse(search.from) < Date.parse(search.to), page.url());
  // An open post hides the page behind it from assistive technology.
  await page
    .getByRole(search.post ? 'dialog' : 'region')
    .first()
    .waitFor();
  return search;
}

/** Clicks a canvas at a position given as fractions of its size. */
async function clickOn(page, name, [x, y]) {
  const canvas = region(page, name).locator('canvas').first();
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  await canvas.click({ position: { x: box.width * x, y: box.height * y } });
}

/** Returns the pairs of panels that are drawn over each other, and those that are larger than their place. */
async function misplaced(page) {
  return page.evaluate(() => {
    const panels = [...document.querySelectorAll('main section')].map((panel) => ({
      name: panel.querySelector('h2').textContent,
      box: panel.getBoundingClientRect(),
      place: panel.parentElement.getBoundingClientRect(),
    }));
    const covers = (a, b) =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
      Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    return panels.flatMap(({ name, box, place }, i) => [
      // An element with `display: contents` has no size.
      ...(place.height > 0 && box.height > place.height + 1
        ? [`${name} is larger than its place`]
        : []),
      ...panels
        .slice(i + 1)
        .filter((other) => covers(box, other.box))
        .map((other) => `${name} over ${other.name}`),
    ]);
  });
}

for (const width of [1024, 1280, 1440]) {
  test(`at ${width} px, every chart shown as a table stays within its panel`, async (t) => {
    const page = await openLive(t, '/?window=5m');
    await page.setViewportSize({ width, height: 900 });
    for (const button of await page.getByRole('button', { name: / as a table$/ }).all()) {
      await button.click();
    }
    await untilEqual('every panel in its place', [], () => misplaced(page));
    await until('no panel to be too high', async () => {
      const tallest = await page.evaluate(() =>
        Math.max(...[...document.querySelectorAll('main section')].map((one) => one.clientHeight)),
      );
      assert.ok(tallest < 900, `a panel is ${tallest} px high`);
      return true;
    });
  });
}

const MARKS = [
  // The first bar of each chart, and its label.
  ['Emotions', [0.22, 0.08], ({ emotion }) => assert.equal(emotion, 'joy')],
  ['Emotions', [0.125, 0.08], ({ emotion }) => assert.equal(emotion, 'joy')],
  ['Products', [0.15, 0.1], ({ product }) => assert.ok(product)],
  [
    'Products',
    [0.3, 0.1],
    ({ product, label }) => assert.ok(product && /^(negative|neutral|positive)$/.test(label)),
  ],
  ['Channels', [0.2, 0.07], ({ channel }) => assert.ok(channel)],
  [
    'Trend',
    [0.5, 0.4],
    ({ from, to }) => assert.equal(Date.parse(to) - Date.parse(from), 10_000, `${from} – ${to}`),
  ],
];

for (const [name, place, check] of MARKS) {
  test(`a click into ${name} at ${place} opens the posts behind it`, async (t) => {
    const page = await openLive(t);
    await clickOn(page, name, place);
    check(await explored(page));
  });
}

test('a city on the map opens its posts', async (t) => {
  const page = await openLive(t);
  const map = region(page, 'Cities').locator('canvas').first();
  // The position of a bubble depends on the projection, so look for one.
  const place = await until('a bubble', () =>
    map.evaluate((canvas) => {
      const { data, width } = canvas
        .getContext('2d')
        .getImageData(0, 0, canvas.width, canvas.height);
      const land = getComputedStyle(document.documentElement).getPropertyValue('--land').trim();
      const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(land.slice(at, at + 2), 16));
      // A pixel surrounded by colours unlike land and sea is inside a bubble.
      const isBubble = (i) =>
        data[i + 3] === 255 &&
        Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) > 90;
      for (let i = 0; i < data.length; i += 4) {
        const around = [0, -3, 3, -3 * width, 3 * width].map((step) => i + step * 4);
        if (around.every((at) => at >= 0 && at < data.length && isBubble(at))) {
          const scale = canvas.width / canvas.clientWidth;
          return { x: ((i / 4) % width) / scale, y: Math.floor(i / 4 / width) / scale };
        }
      }
      return null;
    }),
  );
  await map.click({ position: place });
  assert.ok((await explored(page)).city);
});

test("a step of the trend has the same time on Live and on Explore, in the browser's zone", async (t) => {
  const { page, close } = await openPage(browser, { timezoneId: 'Asia/Karachi' });
  t.after(close);
  await page.goto(`${fixture.url}/?window=5m`);
  await page.getByRole('button', { name: 'Trend as a table' }).click();
  // Older than the steps that still gain posts. By its time, since the rows move with every step.
  const rows = region(page, 'Trend').getByRole('row');
  const shown = await rows.nth(4).getByRole('rowheader').innerText();
  await rows
    .filter({ has: page.getByRole('rowheader', { name: shown }) })
    .getByRole('link')
    .click();
  const { from } = await explored(page);
  assert.equal(shown, new Date(from).toLocaleTimeString('en-GB', { timeZone: 'Asia/Karachi' }));
  const period = page.getByRole('button', { name: 'Custom period' });
  await until('the time of the step', async () =>
    new RegExp(`, ${shown} – `).test(await period.innerText()),
  );
  await untilEqual('the time zone', 'Asia/Karachi', () =>
    page.getByLabel('Time zone').inputValue(),
  );
  assert.equal(new URL(page.url()).searchParams.has('tz'), false);
});

test('figures link to Explore with the filters of the page', async (t) => {
  const page = await openLive(t, '/?source=replay');
  await page.getByTitle('Show the negative posts').click();
  const { label, source } = await explored(page);
  assert.deepEqual({ label, source }, { label: 'negative', source: 'replay' });
  await page.goBack();
  await page.getByRole('link', { name: /weigh in/ }).click();
  assert.equal((await explored(page)).q, '"weigh in"');
  await page.goBack();
  await region(page, 'Share of voice')
    .getByRole('link', { name: /Mayweather/ })
    .click();
  assert.equal((await explored(page)).product, 'Mayweather');
  await page.goBack();
  await region(page, 'Top posts').getByRole('link').first().click();
  assert.ok((await explored(page)).post);
});

/** As many updates of the figures as show whether a page is frozen. */
const N_UPDATES = 8;

test('a paused page is the same after a look at its posts, and only Live shows the pause', async (t) => {
  const { page, settle, close } = await openPage(browser);
  t.after(close);
  let n_received = 0;
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      if (String(payload).startsWith('{"event":"metrics:update"')) n_received += 1;
    }),
  );
  /** Waits until the page has received updates, which it must not show, and painted. */
  const receiveUpdates = async () => {
    const n_before = n_received;
    await until('updates', () => n_received >= n_before + N_UPDATES);
    await settle();
  };
  await page.goto(`${fixture.url}/?source=replay`);
  await page.locator('[data-chart-ready="true"]').nth(4).waitFor();
  await region(page, 'Top posts').getByRole('link').first().waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  // Requests from before the pause may still be in flight, and a chart is drawn at most once a second.
  await receiveUpdates();
  const shown = async () => {
    const texts = await page.getByRole('region').allInnerTexts();
    return {
      banner: await page.getByText(/^Paused at/).innerText(),
      headline: await page.getByLabel('Headline numbers').innerText(),
      // The names of the charts have their figures. Alerts stay live.
      charts: await page
        .getByRole('img', { name: /\d/ })
        .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label'))),
      regions: texts.filter((text) => !text.startsWith('Alerts')),
    };
  };
  const before = await shown();
  await page.getByTitle('Show the negative posts').click();
  await page.getByRole('searchbox', { name: 'Search posts' }).waitFor();
  await page.getByText('Connected, live').waitFor({ state: 'attached' });
  assert.equal(await page.getByRole('button', { name: /Pause|Resume/ }).count(), 0);
  await receiveUpdates();
  await page.goBack();
  await page.locator('[data-chart-ready="true"]').nth(4).waitFor();
  await untilEqual('the page as it was', before, shown);
  await receiveUpdates();
  assert.deepEqual(await shown(), before);
  await page.getByRole('radio', { name: 'Last 5 minutes' }).click();
  await page.waitForURL(/window=5m/);
  await until('another view to be dated anew', async () => {
    const dated = await page.getByText(/^Paused at/).innerText();
    return dated !== before.banner;
  });
});

test('the filters of the page can be saved as a view and opened again', async (t) => {
  const page = await openLive(t, '/?product=Mayweather&window=5m');
  await page.getByRole('button', { name: 'Saved views' }).click();
  await page.getByLabel('Save this view as').fill('The champion');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: 'The champion', exact: true }).waitFor();
  await page.goto(fixture.url);
  await page.getByRole('button', { name: 'Saved views' }).click();
  await page.getByRole('button', { name: 'The champion', exact: true }).click();
  await page.waitForURL(/product=Mayweather/);
  assert.match(page.url(), /window=5m/);
});

test('on a phone, the pages are in a tab bar, and each fits', async (t) => {
  const { page, close } = await openPage(browser, { viewport: { width: 390, height: 844 } });
  t.after(close);
  await page.goto(fixture.url);
  for (const name of ['Explore', 'Alerts', 'System', 'Live']) {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
    await page.getByRole('heading', { name, level: 1 }).waitFor({ state: 'attached' });
    await untilEqual(`${name} to fit`, [390, 844], async () => {
      const bar = await page.getByRole('navigation', { name: 'Pages' }).boundingBox();
      return [
        await page.evaluate(() => document.documentElement.scrollWidth),
        Math.round(bar.y + bar.height),
      ];
    });
  }
});
