/** The chart of the Explore page, as the mouse works it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { until } from './support/server.mjs';

const SOON_MS = 30_000;
const HOUR_MS = 3_600_000;

let browser;
let fixture;

before(async () => {
  [browser, fixture] = await Promise.all([openBrowser(), startFixture(20)]);
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

/** Opens the chart of a day by hours, and returns a function from a fraction of its width to a position. */
async function openChart(t) {
  const { page, close } = await openPage(browser);
  t.after(close);
  page.setDefaultTimeout(SOON_MS);
  await page.goto(`${fixture.url}/explore?window=24h&step=hour`);
  const chart = page.getByRole('img', { name: /^Volume and sentiment: / });
  await chart.locator('[data-chart-ready="true"] canvas').first().waitFor();
  const { x, y, width, height } = await chart.boundingBox();
  return { page, place: (part) => [x + 48 + (width - 56) * part, y + height * 0.4] };
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
  const { page, place } = await openChart(t);
  await page.mouse.move(...place(0.5));
  const tooltip = page.getByText('High churn', { exact: true }).last();
  await tooltip.waitFor();
  await page.mouse.down();
  await page.mouse.up();
  await page.waitForURL(/from=/);
  await until('the tooltip to be gone', SOON_MS, async () => !(await tooltip.isVisible()));
  await page.waitForTimeout(1_500);
  assert.equal(await tooltip.isVisible(), false, 'it comes back with the next drawing');
});
