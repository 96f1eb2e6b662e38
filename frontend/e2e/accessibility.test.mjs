/** Runs axe on every page, in both themes, against the fixture. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { startAll } from './support/processes.mjs';
import { PATIENCE_MS } from './support/until.mjs';

let browser;
let fixture;

before(async () => {
  [browser, fixture] = await startAll(openBrowser(), startFixture(40));
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

const button = (name) => (page) => page.getByRole('button', { name }).first().click();

const unfold = (text) => (page) => page.getByText(text).first().click();

/** Path, element that shows that the page is ready, and elements to click first. */
const PAGES = [
  ['/', (page) => page.getByRole('list', { name: 'Posts, newest first' })],
  ['/?source=replay', (page) => page.getByText(/Filtered figures/)],
  ['/explore', (page) => page.getByRole('img', { name: /^Volume and sentiment: / })],
  [
    '/explore?window=7d&by=label&emotion=joy',
    (page) => page.getByText('Saved views').first(),
    button('Saved views'),
  ],
  [
    '/explore?q=card',
    (page) => page.getByRole('group', { name: 'Correct the label' }),
    async (page) => {
      await page
        .getByRole('list', { name: /^Posts, / })
        .getByRole('button')
        .first()
        .click();
      // Enabled once the work on the post is known, which is after its labels.
      await page.getByLabel('Status of this post').and(page.locator(':enabled')).waitFor();
    },
  ],
  ['/queue', (page) => page.getByRole('list', { name: 'Posts in the queue' })],
  [
    '/queue',
    (page) => page.getByRole('dialog').getByRole('list', { name: 'History' }),
    (page) => page.locator('[data-post]').first().click(),
  ],
  [
    '/queue',
    (page) => page.getByRole('form', { name: 'Assign' }),
    async (page) => {
      await page.getByRole('checkbox', { name: 'Select all' }).check();
      await page.getByRole('button', { name: 'Assign selected posts' }).click();
    },
  ],
  [
    '/queue?owner=mine',
    (page) => page.getByRole('dialog').getByRole('form', { name: 'Your name' }),
    button('Your name'),
  ],
  [
    '/explore?window=24h',
    (page) => page.getByRole('region', { name: 'Near copies' }),
    button(/^Explain the peak at/),
  ],
  [
    '/explore?window=24h',
    (page) => page.getByRole('form', { name: 'Annotation' }),
    button('Add annotation'),
  ],
  ['/alerts', (page) => page.getByRole('list', { name: 'Open alerts' })],
  ['/alerts?alert=a4', (page) => page.getByRole('img', { name: /^Evidence: / })],
  ['/alerts?tab=history', (page) => page.getByRole('list', { name: 'Alerts, newest first' })],
  [
    '/alerts?tab=rules',
    (page) => page.getByRole('img', { name: /^Preview: / }),
    button('New rule'),
  ],
  [
    '/alerts?tab=silences',
    (page) => page.getByRole('form', { name: 'Silence' }),
    button('New silence'),
  ],
  ['/alerts?tab=channels', (page) => page.getByText(/^Test: /), button('Test On-call webhook')],
  ['/alerts?tab=signals', (page) => page.getByRole('radio', { name: /^Balanced/ })],
  ['/topics', (page) => page.getByRole('list', { name: 'Topics' }).getByRole('listitem').first()],
  [
    '/topics',
    (page) => page.getByRole('list', { name: 'Newest matching posts' }),
    async (page) => {
      await page.getByRole('button', { name: 'New topic' }).click();
      await page.getByText('How to write a query').click();
      await page.getByRole('textbox', { name: 'Query' }).fill('night and round');
    },
  ],
  [
    '/topics',
    (page) => page.getByText(/this bracket is never closed/).first(),
    async (page) => {
      await page.getByRole('button', { name: 'Edit Harbor Pay' }).click();
      await page.getByRole('textbox', { name: 'Query' }).fill('🌊 (harbor');
    },
  ],
  ['/sources', (page) => page.getByRole('table', { name: /of Bluesky may/ }), unfold('2 gaps')],
  ['/sources', (page) => page.getByText(/^Test: /), button('Test Spare')],
  [
    '/sources',
    (page) => page.getByRole('radiogroup', { name: 'How far back' }),
    button('Backfill Bluesky'),
  ],
  [
    '/sources',
    (page) => page.getByText('Enter a name.'),
    async (page) => {
      await page.getByRole('button', { name: 'Add source' }).click();
      await page.getByLabel('Name', { exact: true }).press('Enter');
    },
  ],
  [
    '/system',
    (page) => page.getByRole('list', { name: 'Dead letters' }).getByRole('listitem').first(),
  ],
  [
    '/system',
    (page) => page.getByRole('table', { name: 'Errors over time' }),
    (page) => page.getByRole('button', { name: 'Table', exact: true }).click(),
  ],
  ['/design', (page) => page.getByRole('heading', { name: 'Design language' })],
];

const SIZES = { desktop: { width: 1440, height: 1000 }, phone: { width: 390, height: 844 } };

const THEMES = ['light', 'dark'];

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const [i, [path, ready, act]] of PAGES.entries()) {
    const earlier = PAGES.slice(0, i).filter((page) => page[0] === path).length;
    const nth = earlier === 0 ? '' : ` (${earlier + 1})`;
    const pressed = act === undefined ? '' : ', with what it hides';
    test(`axe finds nothing on ${path}${pressed}${nth}, ${size}, in both themes`, async (t) => {
      const { page, problems, close } = await openPage(browser, {
        ...{ viewport, colorScheme: THEMES[0], reducedMotion: 'reduce' },
        // It would fetch the whole app again for every page.
        serviceWorkers: 'block',
      });
      t.after(close);
      await page.goto(`${fixture.url}${path}`);
      await act?.(page);
      await ready(page).waitFor();
      const tables = page.getByRole('button', { name: 'Cities as a table' });
      if ((await tables.count()) > 0) await tables.click();
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        await page.locator(`html[data-theme="${colorScheme}"]`).waitFor({ state: 'attached' });
        assert.deepEqual(await runAxe(page), [], colorScheme);
        const tooWide = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(tooWide <= 0, `the page is ${tooWide} px wider than the screen`);
      }
      assert.deepEqual(problems, []);
    });
  }
}

/** A word longer than any screen. */
const ENDLESS = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerk'.repeat(3);

const NAMES = new Set(
  'title name rule_name text products city handle comment reason assignee query base_url'.split(
    ' ',
  ),
);

/** Makes every name and text of a response endless. */
function stretch(value, key = '') {
  if (Array.isArray(value)) return value.map((item) => stretch(item, key));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, stretch(of, name)]));
  }
  return typeof value === 'string' && NAMES.has(key) ? ENDLESS : value;
}

for (const [path, ready] of [
  ['/', (page) => page.getByRole('list', { name: 'Alerts, open ones first' }).locator('> li')],
  ['/alerts', (page) => page.getByRole('list', { name: 'Open alerts' }).locator('> li')],
  ['/queue', (page) => page.getByRole('list', { name: 'Posts in the queue' }).locator('> li')],
  ['/alerts?alert=a4', (page) => page.getByRole('list', { name: 'Posts behind this alert' })],
  ['/alerts?tab=rules', (page) => page.getByRole('button', { name: /^Edit / })],
  ['/alerts?tab=channels', (page) => page.getByRole('button', { name: /^Test / })],
  ['/explore', (page) => page.getByRole('list', { name: /^Posts, / }).getByRole('button')],
  ['/topics', (page) => page.getByRole('button', { name: /^Edit / })],
  ['/sources', (page) => page.getByRole('button', { name: /^Edit / })],
  ['/system', (page) => page.getByRole('list', { name: 'Dead letters' }).getByRole('listitem')],
]) {
  test(`endless names and texts do not overflow a phone on ${path}`, async (t) => {
    const { page, close } = await openPage(browser, {
      viewport: SIZES.phone,
      serviceWorkers: 'block',
    });
    t.after(async () => {
      // A request may still be in flight.
      await page.unrouteAll({ behavior: 'ignoreErrors' });
      await close();
    });
    await page.route('**/api/v1/**', async (route) => {
      const response = await route.fetch({ timeout: PATIENCE_MS });
      await route.fulfill({ response, json: stretch(await response.json()) });
    });
    await page.goto(`${fixture.url}${path}`);
    await ready(page).first().waitFor();
    const tooWide = await page.evaluate(() => {
      const panes = [
        document.documentElement,
        ...document.querySelectorAll('[role="dialog"] > div'),
      ];
      return panes.map((pane) => pane.scrollWidth - pane.clientWidth);
    });
    assert.ok(Math.max(...tooWide) <= 0, `${tooWide} px wider than the screen`);
  });
}
