/** The chart of the Explore page, as the mouse works it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { startAll } from './support/processes.mjs';
import { until } from './support/until.mjs';

const HOUR_MS = 3_600_000;

let browser;
let fixture;

before(async () => {
  [browser, fixture] = await startAll(openBrowser(), startFixture(20));
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

/** Runs in the page before it loads: counts drawings, which begin by clearing the canvas. */
function countDrawings() {
  window.n_drawings = 0;
  const { clearRect } = window.CanvasRenderingContext2D.prototype;
  window.CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    window.n_drawings += 1;
    return clearRect.apply(this, box);
  };
}

/** Opens the chart of a day by hours, and returns a function from a fraction of its width to a position. */
async function openChart(t) {
  const { page, settle, close } = await openPage(browser);
  t.after(close);
  await page.addInitScript(countDrawings);
  await page.goto(`${fixture.url}/explore?window=24h&step=hour`);
  const chart = page.getByRole('img', { name: /^Volume and sentiment: / });
  await chart.locator('[data-chart-ready="true"] canvas').first().waitFor();
  // What is above the chart moves it while it arrives.
  await settle();
  const { x, y, width, height } = await chart.boundingBox();
  return { page, settle, place: (part) => [x + 48 + (width - 56) * part, y + height * 0.4] };
}

const search = (page) => new URL(page.url()).searchParams;

test('dragging over the chart zooms to whole steps, and Back zooms out', async (t) => {
  const { page, place } = await openChart(t);
  await page.mouse.move(...place(0.3));
  await page.mouse.down();
  await page.mouse.move(...place(0.4), { steps: 4 });
  await page.mouse.move(...place(0.6), { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=/);
  const [from, to] = ['from', 'to'].map((name) => Date.parse(search(page).get(name)));
  const hours = (to - from) / HOUR_MS;
  assert.ok(Number.isInteger(hours) && hours >= 7 && hours <= 9, `${hours} hours`);
  assert.equal(search(page).get('label'), null, 'a drag is not a click on a bar');
  await page.goBack();
  await page.waitForURL(/window=24h|explore$|explore\?step=hour$/);
});

test('a click on a step leaves no tooltip over its posts', async (t) => {
  const { page, settle, place } = await openChart(t);
  await page.mouse.move(...place(0.5));
  const tooltip = page.getByText('High churn', { exact: true }).last();
  await tooltip.waitFor();
  const drawings = () => page.evaluate(() => window.n_drawings);
  const n_before = await drawings();
  await page.mouse.down();
  await page.mouse.up();
  await page.waitForURL(/from=/);
  await until('the tooltip to be gone', async () => !(await tooltip.isVisible()));
  await until('the next drawing', async () => (await drawings()) > n_before);
  await settle();
  assert.equal(await tooltip.isVisible(), false, 'it comes back with the next drawing');
});
