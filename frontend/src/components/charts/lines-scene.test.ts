import { expect, test } from 'vitest';
import { linesScene } from '@/components/charts/lines-scene';
import type { Palette } from '@/components/charts/palette';

const palette = new Proxy({}, { get: (_, name) => String(name) }) as Palette;
const step = (hour: number, isUnfinished = false) => ({
  from: `2026-01-01T0${hour}:00:00Z`,
  isUnfinished,
});
const steps = [step(0), step(1), step(2), step(3, true)];
const lines = [
  { name: 'a', colour: 'red', counts: [4, 8, 2, 1] },
  { name: 'b', colour: 'blue', counts: [0, 1, 9, 3] },
];
const formatTime = (at: string) => at.slice(11, 16);
const scene = linesScene({ palette, steps, lines, formatTime })({ width: 456, height: 238 });
const drawn = (colour: string) =>
  scene.shapes.filter((shape) => shape.kind === 'line').filter((line) => line.colour === colour);

test('a line has a point per step, at the height of its count', () => {
  const [solid] = drawn('red');
  expect(solid?.points.slice(0, 3).map((point) => point?.[0])).toEqual([98, 198, 298]);
  const heights = solid?.points.slice(0, 3).map((point) => Math.round(point?.[1] ?? 0));
  expect(heights).toEqual([132, 52, 172]);
});

test('the way to an unfinished step is dashed', () => {
  const [solid, dashed] = drawn('blue');
  expect(solid?.points[3]).toBeNull();
  expect(dashed?.dash).toBeDefined();
  expect(dashed?.points.filter((point) => point !== null).map(([x]) => x)).toEqual([298, 398]);
  const open = scene.shapes.filter((shape) => shape.kind === 'circle' && shape.fill === 'surface');
  expect(open).toHaveLength(2);
});

test('a step names all lines, largest first, and says if it is incomplete', () => {
  const card = scene.targets[3]?.card?.();
  expect(card).toEqual({
    title: '03:00 (incomplete)',
    rows: [
      ['b', '3'],
      ['a', '1'],
    ],
  });
  expect(scene.targets).toHaveLength(4);
});

test('without lines there are still steps to choose', () => {
  const empty = linesScene({ palette, steps, lines: [], formatTime })({ width: 456, height: 238 });
  expect(empty.targets).toHaveLength(4);
});
