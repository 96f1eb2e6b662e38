/** Panels saved as CSV and PNG, against the fixture: with the keyboard, in both themes, on a phone. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { startAll } from './support/processes.mjs';
import { until } from './support/until.mjs';

const PHONE = { viewport: { width: 390, height: 844 } };

let browser;
let fixture;

before(async () => {
  [browser, fixture] = await startAll(openBrowser(), startFixture(40));
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

async function open(t, path, options = {}) {
  const opened = await openPage(browser, { acceptDownloads: true, ...options });
  t.after(opened.close);
  await opened.page.goto(`${fixture.url}${path}`);
  return opened;
}

/** Opens the menu of a panel, and chooses an item with the keyboard. */
async function save(page, panel, item) {
  const trigger = page.getByRole('button', { name: `Export ${panel}`, exact: true });
  await trigger.focus();
  await page.keyboard.press('Enter');
  const choice = page.getByRole('button', { name: item });
  await choice.waitFor();
  // The menu takes the focus some frames after it appears.
  await until(`the focus on ${item}`, async () => {
    if (await choice.evaluate((button) => button === document.activeElement)) return true;
    await page.keyboard.press('Tab');
    return false;
  });
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.keyboard.press('Enter'),
  ]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** Width, height and the colour of the first pixel of a picture. */
/* global atob, createImageBitmap, Blob, OffscreenCanvas -- run in the page */
function look(page, bytes) {
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const pen = canvas.getContext('2d');
    pen.drawImage(picture, 0, 0);
    return {
      width: picture.width,
      height: picture.height,
      corner: [...pen.getImageData(0, 0, 1, 1).data],
    };
  }, bytes.toString('base64'));
}

for (const [path, panel] of [
  ['/?window=5m', 'Trend'],
  ['/?window=5m', 'Cities'],
  ['/explore', 'Volume and sentiment'],
  ['/alerts?alert=a4', 'Leading up to the alert'],
]) {
  test(`the chart of ${panel} is a picture on the theme's background`, async (t) => {
    for (const colorScheme of ['light', 'dark']) {
      const { page, problems } = await open(t, path, { colorScheme });
      await page.locator('[data-chart-ready="true"]').first().waitFor();
      const { name, bytes } = await save(page, panel, 'Chart as PNG');
      assert.match(name, /^groundswell-[a-z-]+-\d{8}T\d{6}Z-\d{8}T\d{6}Z\.png$/);
      const { width, height, corner } = await look(page, bytes);
      assert.ok(width >= 960 && height > 300, `${width} × ${height}`);
      const brightness = (corner[0] + corner[1] + corner[2]) / 3;
      assert.ok(colorScheme === 'light' ? brightness > 200 : brightness < 80, String(corner));
      assert.equal(corner[3], 255);
      assert.deepEqual(problems, []);
    }
  });
}

test('the file of a panel has the figures of its table', async (t) => {
  const { page } = await open(t, '/explore?window=7d');
  await page.getByRole('img', { name: /^Volume and sentiment: / }).waitFor();
  await page.getByRole('button', { name: 'Volume and sentiment as a table' }).click();
  const table = page.getByRole('table', { name: 'Posts over time' });
  await table.waitFor();
  const read = () =>
    table
      .getByRole('row')
      .evaluateAll((rows) =>
        rows.slice(1).map((row) => row.cells[1].textContent.replaceAll(',', '')),
      );
  // The page asks for newer figures every now and then.
  const { shown, name, bytes } = await until('figures that stay', async () => {
    const shown = await read();
    const saved = await save(page, 'Volume and sentiment', 'Figures as CSV');
    return isDeepStrictEqual(await read(), shown) && { shown, ...saved };
  });
  assert.match(name, /^groundswell-volume-and-sentiment-.*\.csv$/);
  const [heads, ...rows] = bytes.toString('utf8').trimEnd().split('\r\n');
  assert.match(heads, /^Time,Posts,Positive,Neutral,Negative,Average/);
  assert.ok(rows.length > 0);
  assert.deepEqual(
    rows.map((row) => row.split(',')[1]),
    shown,
  );
  assert.ok(
    rows.every((row) => /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d),/.test(row)),
    rows[0],
  );
});

test('on a phone, every panel of Live and Explore can be saved, and axe finds nothing', async (t) => {
  for (const [path, panels] of [
    [
      '/',
      ['Trend', 'Share of voice', 'Trending terms', 'Top posts', 'Emotions', 'Live feed', 'Alerts'],
    ],
    ['/explore', ['Volume and sentiment', 'Breakdown', 'Posts']],
  ]) {
    const { page } = await open(t, path, PHONE);
    await page.locator('[data-chart-ready="true"]').first().waitFor();
    for (const panel of panels) {
      const { bytes } = await save(page, panel, 'Figures as CSV');
      assert.match(bytes.toString('utf8'), /^[^\r\n]+\r\n/, panel);
    }
    await page.getByRole('button', { name: `Export ${panels[0]}`, exact: true }).click();
    await page.getByRole('button', { name: 'Figures as CSV' }).waitFor();
    assert.deepEqual(await runAxe(page), []);
  }
});
