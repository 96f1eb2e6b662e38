import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const CANDIDATES = [
  process.env.GROUNDSWELL_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Among others, keep Chromium from contacting its vendor. */
const FLAGS = [
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
  return chromium.launch({ executablePath: findChromium(), headless: true, args: FLAGS });
}

/** Starts Chromium with a persistent profile. */
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

/** Opens a page and records its errors. */
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
