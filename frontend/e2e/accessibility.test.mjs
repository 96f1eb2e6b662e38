/** What axe finds on each page, in both themes; needs no server but the fixture's. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';

let browser;
let fixture;
let axe;

before(async () => {
  const source = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  [browser, fixture, axe] = await Promise.all([
    openBrowser(),
    startFixture(40),
    readFile(source, 'utf8'),
  ]);
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

const PAGES = [
  ['/', (page) => page.getByRole('list', { name: 'Posts, newest first' })],
  ['/?source=replay', (page) => page.getByText(/Filtered figures/)],
  ['/system', (page) => page.getByRole('table', { name: 'Stages of the pipeline' })],
];

for (const colorScheme of ['light', 'dark']) {
  for (const [path, ready] of PAGES) {
    test(`axe finds nothing on ${path} in the ${colorScheme} theme`, async (t) => {
      const { page, problems, close } = await openPage(browser, {
        colorScheme,
        reducedMotion: 'reduce',
      });
      t.after(close);
      await page.goto(`${fixture.url}${path}`);
      await ready(page).waitFor();
      const tables = page.getByRole('button', { name: 'Cities as a table' });
      if ((await tables.count()) > 0) await tables.click();
      await page.evaluate(axe);
      const violations = await page.evaluate(async () => {
        const found = await window.axe.run();
        return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
      });
      assert.deepEqual(violations, []);
      assert.deepEqual(problems, []);
    });
  }
}
