import type { KeyedTally } from '@/api/wire';
import { sentimentColour, type Palette } from '@/components/charts/palette';
import { project } from '@/components/charts/projection';
import { widthOf } from '@/components/charts/scale';
import type { Box, Card, Point, SceneOf, Shape, Size } from '@/components/charts/scene';
import { WORLD_BOX, type World } from '@/components/charts/world-map';
import { formatCount, formatShare, formatSigned } from '@/lib/format';

/** Only the busiest cities are named, if their names do not overlap. */
const NAMES_SHOWN = 14;
const NAME_HEIGHT = 14;

export type Located = KeyedTally & { lat: number; lon: number };

/** Draws the land of a map, once for each size. */
export function landOf(palette: Palette, world: World | null) {
  let last: { size: Size; shapes: readonly Shape[] } | null = null;
  return (size: Size): readonly Shape[] => {
    if (world === null) return [];
    if (last?.size.width !== size.width || last.size.height !== size.height) {
      const { at, scale } = fit(size);
      const [fill, border] = [palette.land, palette.coast];
      last = { size, shapes: [{ kind: 'outline', path: world.land, at, scale, fill, border }] };
    }
    return last.shapes;
  };
}

/** The cities on the map: the size of a bubble is its volume, its colour the sentiment. */
export function cityScene(
  palette: Palette,
  cities: readonly Located[],
  land: (size: Size) => readonly Shape[],
): SceneOf<Located> {
  const most = Math.max(1, ...cities.map(({ count }) => count));
  return (size) => {
    const { at: origin, scale } = fit(size);
    const bubbles = cities.map((city) => {
      const [x, y] = project(city.lon, city.lat);
      const at: Point = [origin[0] + x * scale, origin[1] + y * scale];
      const radius = (5 + 23 * Math.sqrt(city.count / most)) / 2;
      const size = { width: 2 * radius, height: 2 * radius };
      return { city, at, radius, box: { left: at[0] - radius, top: at[1] - radius, ...size } };
    });
    const named = names(bubbles);
    return {
      background: land(size),
      shapes: [
        ...bubbles.map(({ city, at, radius }): Shape => {
          const fill = sentimentColour(palette, city.sentiment.average);
          return { kind: 'circle', at, radius, fill, border: palette.surface, opacity: 0.82 };
        }),
        ...named.map(({ city: { key }, box }): Shape => {
          const at: Point = [box.left, box.top + box.height / 2];
          return { kind: 'text', text: key, at, colour: palette.ink, outline: palette.surface };
        }),
      ],
      targets: [...named, ...bubbles].map(({ city, box }) => ({
        ...{ box, item: city, part: null },
        card: () => cardOf(city),
      })),
    };
  };
}

/** Fits the inhabited world into the chart. */
function fit({ width, height }: Size): { at: Point; scale: number } {
  const scale = Math.min(width / WORLD_BOX.width, height / WORLD_BOX.height);
  const left = (width - WORLD_BOX.width * scale) / 2 - WORLD_BOX.left * scale;
  const top = (height - WORLD_BOX.height * scale) / 2 - WORLD_BOX.top * scale;
  return { at: [left, top], scale };
}

interface Bubble {
  city: Located;
  at: Point;
  radius: number;
}

/** Returns the cities whose names fit, the busiest first, and where the names are. */
function names(bubbles: readonly Bubble[]): { city: Located; box: Box }[] {
  const taken: Box[] = [];
  return bubbles.slice(0, NAMES_SHOWN).flatMap(({ city, at: [x, y], radius }) => {
    const size = { width: widthOf(city.key), height: NAME_HEIGHT };
    const box = { left: x + radius + 3, top: y - NAME_HEIGHT / 2, ...size };
    if (taken.some((other) => overlap(other, box))) return [];
    taken.push(box);
    return [{ city, box }];
  });
}

function overlap(a: Box, b: Box): boolean {
  const isBeside = a.left + a.width <= b.left || b.left + b.width <= a.left;
  return !isBeside && a.top < b.top + b.height && b.top < a.top + a.height;
}

function cardOf(city: Located): Card {
  return {
    title: city.key,
    rows: [
      ['Posts', formatCount(city.count)],
      ['Average', formatSigned(city.sentiment.average)],
      ['Negative', formatShare(city.sentiment.negative, city.count)],
      ['High churn', formatCount(city.churn.high)],
    ],
  };
}
