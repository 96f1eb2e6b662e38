/**
 * Prints the gzipped size of the first visit to the Live page and fails if its scripts exceed the budget.
 *
 * The first visit loads what the service worker precaches. `e2e/app.test.mjs` measures the same in a browser.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = 200;

const dist = new URL('../dist/', import.meta.url);
const kept = readFileSync(new URL('sw.js', dist), 'utf8');
const isFirst = (path) => kept.includes(`"/${path}"`);
const scripts = readdirSync(new URL('assets/', dist))
  .filter((name) => name.endsWith('.js'))
  .map((name) => `assets/${name}`)
  .concat('theme.js', 'preload.js')
  .map((path) => ({ path, kb: gzipSync(readFileSync(new URL(path, dist))).length / 1024 }));

const sum = (list) => list.reduce((total, { kb }) => total + kb, 0);
const firstKb = sum(scripts.filter(({ path }) => isFirst(path)));
for (const { path, kb } of scripts) {
  console.log(`${kb.toFixed(1).padStart(8)} KB  ${isFirst(path) ? 'first' : 'later'}  ${path}`);
}
console.log(
  `first load ${firstKb.toFixed(1)} KB of ${BUDGET_KB} KB, all scripts ${sum(scripts).toFixed(1)} KB (gzip)`,
);
if (firstKb > BUDGET_KB) process.exit(1);
