/**
 * Takes docs/dashboard-light.png and docs/dashboard-dark.png.
 *
 * Of a server that runs and has posts, where its address is given; else of one of its own, fed as `make run` does it:
 *
 *     npm run screenshots [-- http://127.0.0.1:8080]
 */
import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openBrowser, openPage } from '../e2e/support/browser.mjs';
import { RealServer } from '../e2e/support/server.mjs';

const KB_MAX = 600;
/** The trend shows five minutes; half of them filled is enough to see what it is. */
const FILL_MS = 150_000;
const CORRECTED_WITHIN_MS = 30_000;

const docs = fileURLToPath(new URL('../../docs', import.meta.url));

let own;
if (process.argv[2] === undefined) {
  own = await RealServer.start('release');
  own.replay(10);
  own.synth(6);
  console.log(`filling ${own.url} for ${FILL_MS / 1_000} s`);
  await new Promise((resolve) => setTimeout(resolve, FILL_MS));
}
const url = process.argv[2] ?? own.url;

await mkdir(docs, { recursive: true });
const browser = await openBrowser();
for (const colorScheme of ['light', 'dark']) {
  const { page, close } = await openPage(browser, {
    colorScheme,
    deviceScaleFactor: 2,
    reducedMotion: 'reduce',
  });
  await page.goto(url);
  await page.getByRole('list', { name: 'Posts, newest first' }).locator('> li').nth(7).waitFor();
  await page.locator('[data-chart-ready="true"]').nth(5).waitFor();
  // The sample's ratio is known after its first period.
  await page.waitForTimeout(6_000);
  // One shows what becomes of a doubtful post; a busy machine may have none.
  const corrected = page.getByText(/^corrected/).first();
  await corrected.waitFor({ timeout: CORRECTED_WITHIN_MS }).catch(() => {});
  const path = `${docs}/dashboard-${colorScheme}.png`;
  await page.screenshot({ path });
  if ((await stat(path)).size > KB_MAX * 1024) await page.screenshot({ path, scale: 'css' });
  console.log(`${path} ${Math.round((await stat(path)).size / 1024)} KB`);
  await close();
}
await browser.close();
await own?.stop();
