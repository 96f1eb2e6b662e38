/**
 * Writes the outlines of the countries as one path, projected as in `src/components/charts/projection.ts`.
 *
 * A canvas draws it as it is; with TopoJSON, each visit would convert and project ten thousand points.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { feature } from 'topojson-client';
import { createServer } from 'vite';

/** In degrees; finer than a pixel of a map as wide as a screen. */
const PRECISION = 0.1;

const vite = await createServer({ server: { middlewareMode: true }, appType: 'custom' });
const { project } = await vite.ssrLoadModule('/src/components/charts/projection.ts');
await vite.close();

const atlas = createRequire(import.meta.url).resolve('world-atlas/countries-110m.json');
const topology = JSON.parse(readFileSync(atlas, 'utf8'));
const path = feature(topology, topology.objects.countries)
  // Without Antarctica, everything else is a fifth larger.
  .features.filter(({ properties }) => properties.name !== 'Antarctica')
  .flatMap(({ geometry: { type, coordinates } }) =>
    type === 'Polygon' ? [coordinates] : coordinates,
  )
  .flat()
  .map((ring) => write(unwrap(ring)))
  .join('');
writeFileSync(
  new URL('../src/components/charts/world-land.json', import.meta.url),
  `${JSON.stringify(path)}\n`,
);

/** Unwraps rings that cross the date line, such as Russia's; otherwise they would span the whole map. */
function unwrap(ring) {
  const crosses = ring.some(([lon], i) => i > 0 && Math.abs(lon - ring[i - 1][0]) > 180);
  return crosses ? ring.map(([lon, lat]) => [lon < 0 ? lon + 360 : lon, lat]) : ring;
}

/** Writes a ring in relative steps, which are short, from rounded points, so that the errors do not add up. */
function write(ring) {
  const points = ring
    .map(([lon, lat]) => project(lon, lat).map((value) => Math.round(value / PRECISION)))
    .filter(([x, y], i, all) => i === 0 || x !== all[i - 1][0] || y !== all[i - 1][1]);
  const number = (value) => String(+(value * PRECISION).toFixed(1)).replace(/^(-?)0\./, '$1.');
  return points
    .map(([x, y], i) => {
      const [fromX, fromY] = points[i - 1] ?? [0, 0];
      return `${i === 0 ? 'M' : 'l'}${number(x - fromX)} ${number(y - fromY)}`;
    })
    .join('')
    .replaceAll(' -', '-')
    .concat('z');
}
