import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { PATIENCE_MS, until } from './until.mjs';

const CANDIDATES = [
  process.env.GROUNDSWELL_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/**
 * Chromium's features that the tests do without. The suggestions of the address bar are two pages of Chromium's own, which
 * it loads in every window and which take as much processor time as the dashboard. The others are those that Playwright
 * turns off: Chromium obeys only the last `--disable-features`.
 */
const UNUSED_FEATURES = [
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
];

/** Among others, keep Chromium from contacting its vendor. */
const FLAGS = [
  `--disable-features=${UNUSED_FEATURES.join(',')}`,
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

/** A host name of this machine that the page does not recognise as local. */
export const ELSEWHERE = 'dash.localhost';

/** The same server under that name, which it must allow. */
export const fromElsewhere = (url) => url.replace('127.0.0.1', ELSEWHERE);

/** Starts Chromium with a temporary profile. */
export async function openBrowser() {
  return chromium.launch(launchOptions());
}

/** Starts Chromium with a persistent profile. */
export async function openInstalled(profile) {
  const context = await chromium.launchPersistentContext(profile, launchOptions());
  context.setDefaultTimeout(PATIENCE_MS);
  return context;
}

const launchOptions = () => ({
  ...{ executablePath: findChromium(), headless: true, args: FLAGS },
  timeout: PATIENCE_MS,
});

function findChromium() {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  if (executablePath === undefined) {
    throw new Error(
      'no Chromium found: install the package `chromium`, or set GROUNDSWELL_CHROMIUM',
    );
  }
  return executablePath;
}

/** Opens a page and records its errors. Whatever a test waits for in it may take as long as it needs. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 1000 },
    colorScheme: 'light',
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  return { page, problems, settle: settling(page), close: () => context.close() };
}

/** Returns a function that waits until no request to the API is in flight and what the last one brought is painted. */
function settling(page) {
  const requests = new Set();
  page.on('request', (request) => {
    if (new URL(request.url()).pathname.startsWith('/api/')) requests.add(request);
  });
  for (const event of ['requestfinished', 'requestfailed']) {
    page.on(event, (request) => requests.delete(request));
  }
  return () =>
    until('the page to settle', async () => {
      await page.evaluate(paintTwice);
      return requests.size === 0;
    });
}

/** Runs in the page. A callback of the first frame runs before that frame is painted. */
async function paintTwice() {
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
}
