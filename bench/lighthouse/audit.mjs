// Audits pages with Lighthouse, once as a desktop and once as a phone, and prints one JSON object per audit and line.
//
//   node audit.mjs URL…
import { existsSync } from 'node:fs';
import { launch } from 'chrome-launcher';
import lighthouse, { desktopConfig } from 'lighthouse';

const CHROMIUM = [process.env.GROUNDSWELL_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Among others, keep Chromium from contacting its vendor. */
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

const FORMS = { desktop: desktopConfig, phone: undefined };

const chromePath = CHROMIUM.find((path) => path && existsSync(path));
if (chromePath === undefined) {
  throw new Error('no Chromium found: install the package `chromium`, or set GROUNDSWELL_CHROMIUM');
}

for (const url of process.argv.slice(2)) {
  for (const [form, config] of Object.entries(FORMS)) {
    // A fresh browser, so that no audit finds what an earlier one cached.
    const chrome = await launch({ chromePath, chromeFlags: FLAGS });
    try {
      const flags = { port: chrome.port, output: 'json', logLevel: 'error' };
      const { lhr } = await lighthouse(url, flags, config);
      console.log(JSON.stringify(summary(url, form, lhr)));
    } finally {
      await chrome.kill();
    }
  }
}

/** Scores from 0 to 100, and the measurements behind the performance score. */
function summary(url, form, lhr) {
  if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
  const score = (category) => Math.round(lhr.categories[category].score * 100);
  const value = (audit) => lhr.audits[audit].numericValue;
  return {
    page: new URL(url).pathname,
    form,
    performance: score('performance'),
    accessibility: score('accessibility'),
    best_practices: score('best-practices'),
    seo: score('seo'),
    first_contentful_paint_ms: value('first-contentful-paint'),
    largest_contentful_paint_ms: value('largest-contentful-paint'),
    total_blocking_time_ms: value('total-blocking-time'),
    speed_index_ms: value('speed-index'),
    cumulative_layout_shift: value('cumulative-layout-shift'),
  };
}
