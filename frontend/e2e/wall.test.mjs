/** The Live page on a screen on the wall, against the fixture. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { fromElsewhere, openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { startAll } from './support/processes.mjs';
import { until } from './support/until.mjs';

let browser;
let fixture;

before(async () => {
  [browser, fixture] = await startAll(openBrowser(), startFixture(20));
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

const FULL_HD = { width: 1920, height: 1080 };
const ALL_PANELS =
  'alerts-3x6.trend-9x6.terms-3x6.voice-3x6.top-3x6.cities-5x6.emotions-4x6.feed-3x17.products-5x5.channels-4x5';

async function open(t, path, { url = fixture.url, viewport = FULL_HD } = {}) {
  const { page, problems, close } = await openPage(browser, { viewport });
  t.after(close);
  await page.goto(`${url}${path}`);
  await page.locator('[data-panel="trend"]').waitFor();
  return { page, problems };
}

/** Whatever scrolls, is cut off by the edge of the screen, or is drawn with fewer pixels than the screen has. */
const faults = (page) =>
  page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    const { innerWidth, innerHeight } = window;
    const found = [];
    if (scrollWidth > innerWidth || scrollHeight > innerHeight)
      found.push(`the page is ${scrollWidth} × ${scrollHeight}`);
    for (const element of document.querySelectorAll('[data-wall], [data-wall] *')) {
      const { overflowY } = getComputedStyle(element);
      if (/auto|scroll/.test(overflowY) && element.scrollHeight > element.clientHeight)
        found.push(`scrolls: ${element.outerHTML.slice(0, 120)}`);
    }
    for (const panel of document.querySelectorAll('[data-panel]')) {
      const { right, bottom, height } = panel.getBoundingClientRect();
      if (right > innerWidth || bottom > innerHeight || height < 80)
        found.push(`${panel.dataset.panel} does not fit`);
    }
    for (const canvas of document.querySelectorAll('canvas')) {
      const { width } = canvas.getBoundingClientRect();
      if (canvas.width < Math.floor(width)) found.push(`blurred: ${canvas.width} of ${width} px`);
    }
    return found;
  });

for (const viewport of [FULL_HD, { width: 3840, height: 2160 }]) {
  for (const path of ['/?wall', `/?wall&panels=${ALL_PANELS}`]) {
    test(`${path.slice(0, 16)} fills ${viewport.width} px without scrolling`, async (t) => {
      const { page, problems } = await open(t, path, { viewport });
      await until('the charts', () =>
        page
          .locator('[data-chart-ready]')
          .evaluateAll((charts) => charts.every(({ dataset }) => dataset.chartReady === 'true')),
      );
      await page.getByText(/^\d\d:\d\d:\d\d$/).waitFor();
      // A chart is drawn again only after its panel has taken its final size.
      await until('a wall without faults', async () => {
        assert.deepEqual(await faults(page), []);
        return true;
      });
      assert.equal(await page.getByRole('navigation').count(), 0);
      await until('the panels to reach the edge', async () => {
        const last = await page
          .locator('[data-panel]')
          .evaluateAll((panels) =>
            Math.max(...panels.map((panel) => panel.getBoundingClientRect().bottom)),
          );
        assert.ok(last > viewport.height * 0.97, `the panels end at ${last} px`);
        return true;
      });
      assert.deepEqual(await runAxe(page), []);
      assert.deepEqual(problems, []);
    });
  }
}

test('Alt+W enters the wall and Escape leaves it, with the view and its filters as they were', async (t) => {
  const { page } = await open(t, '/?window=5m&source=replay');
  await page.keyboard.press('Alt+KeyW');
  await page.locator('[data-wall]').waitFor();
  await page.waitForURL(({ searchParams }) => searchParams.get('wall') === '0');
  await page.getByText('Last 5 minutes · replay').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Customise' }).waitFor();
  await page.waitForURL(({ search }) => search === '?window=5m&source=replay');
});

test('a lost connection is unmistakable', async (t) => {
  // A server on the same machine needs no network, and only its silence would show.
  const { page } = await open(t, '/?wall', { url: fromElsewhere(fixture.url) });
  await page.locator('[data-wall]:not([data-stale])').waitFor();
  await page.context().setOffline(true);
  await page.locator('[data-stale]').waitFor();
  await page.getByRole('alert').getByText('No live data').waitFor();
});

test('saved views take turns', async (t) => {
  const { page, close } = await openPage(browser, { viewport: FULL_HD });
  t.after(close);
  const views = ['window=5m', 'panels=trend-12x8'].map((query, i) => ({
    ...{ id: `v${i}`, name: `View ${i}`, page: 'live', query },
    ...{ created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' },
  }));
  await page.route('**/api/v1/views', (route) => route.fulfill({ json: { items: views } }));
  await page.goto(`${fixture.url}/?window=5m&wall=10`);
  await page.locator('[data-panel="alerts"]').waitFor();
  // It is shown for as long as the first one was.
  await until('the next view', async () => {
    const { searchParams } = new URL(page.url());
    assert.ok(searchParams.has('panels'), page.url());
    assert.equal(await page.locator('[data-panel]').count(), 1);
    assert.equal(searchParams.get('wall'), '10');
    return true;
  });
});
