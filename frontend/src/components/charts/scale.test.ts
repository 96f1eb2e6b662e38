import { expect, test } from 'vitest';
import { fittingLabels, ticksTo } from '@/components/charts/scale';

test.each([
  [0, [0, 1]],
  [3, [0, 1, 2, 3]],
  [35, [0, 10, 20, 30, 40]],
  [880, [0, 200, 400, 600, 800, 1_000]],
  [12_345, [0, 3_000, 6_000, 9_000, 12_000, 15_000]],
])('an axis up to %d has the ticks %j', (most, ticks) => {
  expect(ticksTo(most, 4)).toEqual(ticks);
});

test('labels that would overlap or are empty are left out', () => {
  const labels = ['12:00', '12:01', '', '12:03', '12:04', '12:05'];
  expect(fittingLabels(labels, 20)).toEqual([0, 3]);
  expect(fittingLabels(labels, 100)).toEqual([0, 1, 3, 4, 5]);
});
