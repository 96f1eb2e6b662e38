import { expect, test } from 'vitest';
import type { KeyedTally } from '@/api/wire';
import type { Palette } from '@/components/charts/palette';
import { targetAt, type Shape } from '@/components/charts/scene';
import { channelScene } from '@/features/metrics/model/channel-scene';
import { cityScene, type Located } from '@/features/metrics/model/city-scene';
import { emotionScene } from '@/features/metrics/model/emotion-scene';
import { productScene } from '@/features/metrics/model/product-scene';
import { sampleKey, sampleTally } from '@/testing/samples';

/** Every colour is its name, except those that are mixed. */
const palette = new Proxy({} as Palette, {
  get: (_, name) =>
    ({ surface: '#ffffff', neutral: '#888888', positive: '#0000ff', negative: '#ff0000' })[
      String(name)
    ] ?? String(name),
});

const SIZE = { width: 500, height: 200 };

const textsOf = (shapes: readonly Shape[]) =>
  shapes.flatMap((shape) => (shape.kind === 'text' ? [shape.text] : []));
const barsOf = (shapes: readonly Shape[]) =>
  shapes.flatMap((shape) => (shape.kind === 'rectangle' ? [shape] : []));

test('the track behind the emotions is all posts', () => {
  const { shapes } = emotionScene(palette, sampleTally({ count: 50 }))(SIZE);
  const [track, joy] = barsOf(shapes);
  expect(track?.fill).toBe('sunken');
  expect(joy?.box.width).toBeCloseTo((track?.box.width ?? 0) * (6 / 50));
  expect(textsOf(shapes).slice(0, 3)).toEqual(['Joy', '12%', '6']);
});

test('a product is divided by its own posts, and each part leads to its label', () => {
  const products = [sampleKey('Tide'), sampleKey('Solo', { count: 0 })];
  const scene = productScene(palette, products)(SIZE);
  const [negative, , positive] = barsOf(scene.shapes);
  expect(positive?.box.width).toBeGreaterThan(2 * (negative?.box.width ?? 0));
  const { left = 0, top = 0 } = negative?.box ?? {};
  expect(targetAt(scene, [left + 2, top + 2])).toMatchObject({ part: 'negative' });
  expect(targetAt(scene, [10, top])).toMatchObject({ part: null, item: { key: 'Tide' } });
});

test('the posts at risk in a channel are counted only if there are any', () => {
  const channels = [
    sampleKey('app', { churn: { average: 0, high: 3 } }),
    sampleKey('', { churn: { average: 0, high: 0 } }),
  ];
  const texts = textsOf(channelScene(palette, channels)(SIZE).shapes);
  expect(texts).toContain('3 at risk');
  expect(texts).toContain('Unattributed');
  expect(texts.filter((text) => text.endsWith('at risk'))).toHaveLength(1);
});

test('of cities that lie beside each other, only the busiest is named, and each can be clicked', () => {
  const at = (key: string, lat: number, lon: number): Located => ({
    ...(sampleKey(key) as KeyedTally),
    ...{ lat, lon },
  });
  const cities = [at('London', 51.5, -0.1), at('Croydon', 51.4, -0.1), at('Sydney', -33.9, 151.2)];
  const scene = cityScene(palette, cities, () => [])(SIZE);
  expect(textsOf(scene.shapes)).toEqual(['London', 'Sydney']);
  const [london, , sydney] = scene.shapes.flatMap((shape) =>
    shape.kind === 'circle' ? [shape.at] : [],
  );
  expect(targetAt(scene, sydney ?? [0, 0])?.item.key).toBe('Sydney');
  expect(london?.[0]).toBeLessThan(sydney?.[0] ?? 0);
  expect(london?.[1]).toBeLessThan(sydney?.[1] ?? 0);
});
