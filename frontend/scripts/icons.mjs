/**
 * Renders public/icons from the logo, public/favicon.svg: `npm run icons`.
 *
 * Apple and Android crop maskable icons, so the background reaches the edges and the logo stays within the middle four
 * fifths. The badge is a silhouette, because Android draws it in one colour.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../e2e/support/browser.mjs';

const root = new URL('../public/', import.meta.url);
const mark = await readFile(new URL('favicon.svg', root), 'utf8');
const lines = /<path[^]*(?=<\/svg>)/.exec(mark)[0];
const ground = /<rect[^>]*fill="([^"]+)"/.exec(mark)[1];

const svg = (inside) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${inside}</svg>`;
const maskable = svg(
  `<rect width="32" height="32" fill="${ground}"/><g transform="translate(4.500 4.500) scale(.72)">${lines}</g>`,
);
const badge = svg(lines.replaceAll(/stroke="#[^"]+"/g, 'stroke="#fff"'));

const ICONS = [
  ['icon-192', 192, mark],
  ['icon-512', 512, mark],
  ['maskable-512', 512, maskable],
  ['apple-touch-180', 180, maskable],
  ['badge-96', 96, badge],
];

const folder = new URL('icons/', root);
await mkdir(folder, { recursive: true });
const browser = await openBrowser();
for (const [name, size, drawing] of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(
    `<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${drawing}`,
  );
  await page.screenshot({
    path: fileURLToPath(new URL(`${name}.png`, folder)),
    omitBackground: true,
  });
  await page.close();
  console.log(`${name}.png ${size}×${size}`);
}
await browser.close();
