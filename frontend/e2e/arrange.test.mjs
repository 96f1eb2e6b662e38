/** Arranges the panels of the Live page with the mouse, the keyboard and on a phone, against the fixture. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
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

const PHONE = { width: 390, height: 844 };

async function openLive(t, { path = '/', watch, ...options } = {}) {
  const { page, problems, close } = await openPage(browser, options);
  t.after(close);
  if (watch !== undefined) await page.addInitScript(watch);
  await page.goto(`${fixture.url}${path}`);
  await page.locator('[data-panel="trend"]').waitFor();
  // It moves the panels when it appears.
  await page.getByRole('group', { name: 'Summary' }).waitFor();
  return { page, problems };
}

const order = (page) =>
  page.locator('[data-panel]').evaluateAll((panels) => panels.map(({ dataset }) => dataset.panel));

/** Waits until the first panels are these. */
const begins = (page, ...panels) =>
  untilEqual(`${panels.join(', ')} first`, panels, async () =>
    (await order(page)).slice(0, panels.length),
  );

const button = (page, name) => page.getByRole('button', { name, exact: true });

const sizeOf = async (page, panel) => {
  const { width, height } = await page.locator(`[data-panel="${panel}"]`).boundingBox();
  return { width: Math.round(width), height: Math.round(height) };
};

const isFocused = (locator) => locator.evaluate((element) => element === document.activeElement);

const said = (page, text) =>
  until(`“${text}” to be announced`, async () =>
    (await page.getByRole('status').allInnerTexts()).some((status) => status.includes(text)),
  );

/** Drags from the middle of an element, once it no longer moves, to the position that `to` returns. */
async function drag(page, from, to) {
  await from.hover();
  const start = await from.boundingBox();
  const [x, y] = [start.x + start.width / 2, start.y + start.height / 2];
  const end = await to({ x, y });
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move((x + end.x) / 2, (y + end.y) / 2, { steps: 4 });
  await page.mouse.move(end.x, end.y, { steps: 4 });
  await page.mouse.up();
}

/** Runs in the page before its scripts. Records the frames in which a handle is there without the bar above it. */
function watchForHandlesWithoutBar() {
  window.n_handlesWithoutBar = 0;
  const look = () => {
    const hasHandle = document.querySelector('[data-resize]') !== null;
    if (hasHandle && document.getElementById('customise') === null) window.n_handlesWithoutBar += 1;
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { subtree: true, childList: true });
}

test('the bar and the handles appear together, so that no handle moves away from the pointer', async (t) => {
  const { page } = await openLive(t, { watch: watchForHandlesWithoutBar });
  await button(page, 'Customise').click();
  await button(page, 'Move Trend').waitFor();
  await page.getByRole('heading', { name: 'Customise panels' }).waitFor();
  assert.equal(await page.evaluate(() => window.n_handlesWithoutBar), 0);
});

test('panels are moved, resized and hidden with the mouse, and stay so after a reload', async (t) => {
  const { page, problems } = await openLive(t);
  await button(page, 'Customise').click();
  await button(page, 'Move Trend').waitFor();
  await drag(page, button(page, 'Move Trend'), async () => {
    const { x, y } = await page.locator('[data-panel="alerts"]').boundingBox();
    return { x: x + 60, y: y + 90 };
  });
  await begins(page, 'trend', 'alerts');

  const before = await sizeOf(page, 'trend');
  await drag(page, page.locator('[data-resize="trend"]'), async ({ x, y }) => ({
    x: x - before.width / 3,
    y: y + 96,
  }));
  await said(page, 'Trend: 6 columns wide, 8 rows high.');
  await button(page, 'Hide Emotions').click();
  assert.deepEqual(await runAxe(page), []);
  await button(page, 'Done').click();

  await page.reload();
  await page.locator('[data-panel="trend"]').waitFor();
  await begins(page, 'trend', 'alerts');
  assert.ok(!(await order(page)).includes('emotions'));
  await until('the chosen size', async () => {
    const { width, height } = await sizeOf(page, 'trend');
    assert.ok(width < before.width * 0.75, `${width} px wide, before ${before.width}`);
    assert.equal(height, before.height + 96);
    return true;
  });
  assert.deepEqual(problems, []);
});

test('the keyboard alone moves, resizes, hides, restores and resets panels', async (t) => {
  const { page } = await openLive(t);
  await button(page, 'Customise').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Customise panels' }).waitFor();
  const handle = button(page, 'Move Cities');
  await handle.focus();
  await page.keyboard.press('ArrowLeft');
  await said(page, 'Cities moved to position 5 of 10.');
  await until('the focus to stay', () => isFocused(handle));
  await page.keyboard.press('Shift+ArrowRight');
  await said(page, 'Cities: 6 columns wide, 6 rows high.');
  await page.keyboard.press('Delete');
  await said(page, 'Cities hidden.');
  await until('no cities', async () => !(await order(page)).includes('cities'));
  await button(page, 'Show Cities').focus();
  await page.keyboard.press('Enter');
  await untilEqual('cities last', 'cities', async () => (await order(page)).at(-1));
  await button(page, 'Reset').focus();
  await page.keyboard.press('Enter');
  await untilEqual('cities in their place', 'cities', async () => (await order(page))[5]);
  await button(page, 'Done').focus();
  await page.keyboard.press('Enter');
  await until('the focus to return', () => isFocused(button(page, 'Customise')));
});

test('Cancel keeps the page as it was', async (t) => {
  const { page } = await openLive(t);
  const before = await order(page);
  await button(page, 'Customise').click();
  await button(page, 'Hide Alerts').click();
  await until('no alerts', async () => !(await order(page)).includes('alerts'));
  await button(page, 'Cancel').click();
  await untilEqual('what was there before', before, () => order(page));
});

test('a view carries its arrangement in the URL and in its saved query', async (t) => {
  const { page } = await openLive(t, { path: '/?panels=feed-6x10.trend-6x10' });
  await untilEqual('two panels', ['feed', 'trend'], () => order(page));
  await button(page, 'Saved views').click();
  await page.getByLabel('Save this view as').fill('Two panels');
  const [request] = await Promise.all([
    page.waitForRequest((sent) => sent.method() === 'POST'),
    button(page, 'Save').click(),
  ]);
  assert.equal(request.postDataJSON().query, 'panels=feed-6x10.trend-6x10');
  await page.keyboard.press('Escape');
  await button(page, 'Customise').click();
  await button(page, 'Move Live feed later').click();
  await button(page, 'Done').click();
  await page.waitForURL(/panels=trend-6x10\.feed-6x10/);
});

test('on a phone, panels are put in order and hidden, and nothing is wider than the screen', async (t) => {
  const { page } = await openLive(t, { viewport: PHONE, hasTouch: true });
  await button(page, 'Customise').tap();
  await button(page, 'Move Trend earlier').tap();
  await begins(page, 'trend');
  assert.equal(await page.getByRole('button', { name: /wider$/ }).count(), 0);
  await button(page, 'Hide Channels').tap();
  assert.deepEqual(await runAxe(page), []);
  const tooWide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.ok(tooWide <= 0, `the page is ${tooWide} px wider than the screen`);
  await button(page, 'Done').tap();
  await page.reload();
  await page.locator('[data-panel="trend"]').waitFor();
  await begins(page, 'trend');
});
