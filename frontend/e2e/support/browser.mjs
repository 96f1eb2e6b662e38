import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const CANDIDATES = [
  process.env.GROUNDSWELL_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Without these Chromium talks to its maker, which a test must not. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

/** A name of this machine that a page cannot take for its own machine's: there the network matters. */
export const ELSEWHERE = 'dash.localhost';

/** The same server under that name; it must be told of it. */
export const fromElsewhere = (url) => url.replace('127.0.0.1', ELSEWHERE);

/** Starts the Chromium of this machine, with a profile of its own that is gone afterwards. */
export async function openBrowser() {
  return chromium.launch({ executablePath: findChromium(), headless: true, args: FLAGS });
}

/** Starts it with a profile that stays, as a person has it. */
export async function openInstalled(profile) {
  const options = { executablePath: findChromium(), headless: true, args: FLAGS };
  return chromium.launchPersistentContext(profile, options);
}

function findChromium() {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  if (executablePath === undefined) {
    throw new Error(
      'no Chromium found: install the package `chromium`, or set GROUNDSWELL_CHROMIUM',
    );
  }
  return executablePath;
}

/** A page that remembers what went wrong in it. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 1000 },
    colorScheme: 'light',
    ...options,
  });
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  return { page, problems, close: () => context.close() };
}
