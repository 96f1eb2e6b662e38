/** Prints what a first visit loads, gzipped, and fails where the scripts exceed their budget. */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = 350;
const dist = new URL('../dist/', import.meta.url);
const html = readFileSync(new URL('index.html', dist), 'utf8');
const first = new Set([...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map(([, path]) => path));
const scripts = readdirSync(new URL('assets/', dist))
  .filter((name) => name.endsWith('.js'))
  .map((name) => `assets/${name}`)
  .concat([...first].filter((path) => !path.startsWith('assets/')))
  .map((path) => ({ path, kb: gzipSync(readFileSync(new URL(path, dist))).length / 1024 }));

const sum = (list) => list.reduce((total, { kb }) => total + kb, 0);
const firstKb = sum(scripts.filter(({ path }) => first.has(path)));
for (const { path, kb } of scripts) {
  console.log(`${kb.toFixed(1).padStart(8)} KB  ${first.has(path) ? 'first' : 'later'}  ${path}`);
}
console.log(
  `first load ${firstKb.toFixed(1)} KB of ${BUDGET_KB} KB, all scripts ${sum(scripts).toFixed(1)} KB (gzip)`,
);
if (firstKb > BUDGET_KB) process.exit(1);
