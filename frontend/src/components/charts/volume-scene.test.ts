import { expect, test } from 'vitest';
import type { Palette } from '@/components/charts/palette';
import { itemAt, targetAt, type Dot, type Scene, type Shape } from '@/components/charts/scene';
import { volumeScene, type VolumeStep } from '@/components/charts/volume-scene';
import { sampleSnapshot } from '@/testing/samples';

const palette = {
  ...{ neutral: '#888888', positive: '#0000ff', negative: '#ff0000', surface: '#ffffff' },
  ...{ critical: '#ff00ff', ink: '#000000' },
} as Palette;

const SIZE = { width: 600, height: 260 };
const items = sampleSnapshot().trend.items.map((step, i) => ({
  ...step,
  isUnfinished: i === 1,
}));

function shapesOf<Kind extends Shape['kind']>(scene: Scene<VolumeStep>, kind: Kind) {
  return scene.shapes.filter(
    (shape): shape is Extract<Shape, { kind: Kind }> => shape.kind === kind,
  );
}

test('the parts of a bar stand on each other, and an unfinished step is hatched', () => {
  const scene = volumeScene({ palette, items, formatTime: String })(SIZE);
  const bars = shapesOf(scene, 'rectangle').filter(({ radius }) => radius === undefined);
  const [negative, neutral, positive] = bars;
  expect([negative, neutral, positive].map((bar) => bar?.fill)).toEqual([
    palette.negative,
    palette.neutral,
    palette.positive,
  ]);
  expect(neutral?.box.top).toBeCloseTo((negative?.box.top ?? 0) - (neutral?.box.height ?? 0));
  expect(positive?.box.height).toBeCloseTo(2.5 * (negative?.box.height ?? 0));
  expect(bars.map(({ hatch }) => hatch !== undefined).slice(0, 6)).toEqual([
    ...[false, false, false],
    ...[true, true, true],
  ]);
});

test('an alert is marked over its step, and named in its figures', () => {
  const at = items[1]?.from ?? '';
  const marks = [{ at, text: 'Most posts are negative', kind: 'alert' as const }];
  const scene = volumeScene({ palette, items, marks, formatTime: String })(SIZE);
  const mark = scene.shapes.find(({ kind }) => kind === 'diamond') as Dot;
  const [x, y] = mark.at;
  const target = targetAt(scene, [x, y + 20]);
  expect(target?.item).toBe(items[1]);
  expect(target?.card?.().rows.at(-1)).toEqual(['Alert', 'Most posts are negative']);
});

test('a click above a bar hits its step, and on the bar the label', () => {
  const scene = volumeScene({ palette, items, formatTime: String })(SIZE);
  const [bar] = shapesOf(scene, 'rectangle');
  const x = (bar?.box.left ?? 0) + 1;
  expect(targetAt(scene, [x, (bar?.box.top ?? 0) + 1])).toMatchObject({ part: 'negative' });
  expect(targetAt(scene, [x, 13])).toMatchObject({ part: null, item: items[0] });
  expect(targetAt(scene, [1, 1])).toBeUndefined();
});

test('a span that is dragged beyond the ends has the first and the last step', () => {
  const scene = volumeScene({ palette, items, formatTime: String })(SIZE);
  expect(itemAt(scene, 0)).toBe(items[0]);
  expect(itemAt(scene, 600)).toBe(items.at(-1));
});

test('a step without posts has no average, and the previous period no line where it is unknown', () => {
  const empty = { positive: 0, neutral: 0, negative: 0, average: null };
  const quiet = items.map((step) => ({ ...step, count: 0, sentiment: empty }));
  const previous = quiet.slice(1);
  const scene = volumeScene({ palette, items: quiet, previous, formatTime: String })(SIZE);
  expect(shapesOf(scene, 'rectangle')).toEqual([]);
  const dashed = shapesOf(scene, 'line').filter(({ dash }) => dash !== undefined);
  expect(dashed.map(({ points }) => points.filter((point) => point !== null).length)).toEqual([
    previous.length,
    0,
  ]);
});

test('a click on the mark of a peak hits the peak, and a span is named in each of its steps', () => {
  const marks = [
    { at: items[0]?.from ?? '', text: '30 posts, expected 10', kind: 'peak' as const },
    {
      at: '2017-08-26T00:00:00Z',
      to: '2027-08-27T00:00:00Z',
      text: 'Campaign',
      kind: 'annotation' as const,
    },
  ];
  const scene = volumeScene({ palette, items, marks, formatTime: String })(SIZE);
  const arrow = scene.shapes.find(({ kind }) => kind === 'arrow-down') as Dot;
  expect(targetAt(scene, arrow.at)).toMatchObject({ part: 'peak', item: items[0] });
  const named = scene.targets.filter(({ part }) => part === null).map(({ card }) => card?.().rows);
  expect(named.map((rows) => rows?.at(-1))).toEqual([
    ['Annotation', 'Campaign'],
    ['Annotation', 'Campaign'],
  ]);
  const before = { at: '2017-01-01T00:00:00Z', to: '2017-01-02T00:00:00Z', text: 'Old' };
  const none = volumeScene({
    ...{ palette, items, formatTime: String },
    marks: [{ ...before, kind: 'annotation' }],
  })(SIZE);
  expect(none.shapes.some(({ kind }) => kind === 'arrow-up')).toBe(false);
});
