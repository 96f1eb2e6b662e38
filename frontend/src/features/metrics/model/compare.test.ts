import { expect, test } from 'vitest';
import {
  compareAverages,
  compareCounts,
  compareShares,
  sharesOfVoice,
} from '@/features/metrics/model/compare';
import { noPosts, sampleKey, sampleTally } from '@/testing/samples';

test.each([
  [110, 100, '+10%'],
  [80, 100, '−20%'],
  [100, 100, '±0'],
  [340, 100, '×3.4'],
  [0, 100, '−100%'],
  [10, 0, undefined],
  [10, 4, undefined],
])('%i posts after %i are %s', (now, before, text) => {
  expect(compareCounts(now, before)?.text).toBe(text);
});

test('shares change by percentage points', () => {
  expect(compareShares({ part: 3, of: 10 }, { part: 2, of: 10 })?.text).toBe('+10 pts');
  expect(compareShares({ part: 3, of: 10 }, { part: 2, of: 4 })).toBeNull();
});

test('averages are compared only if both exist', () => {
  expect(compareAverages(sampleTally(), noPosts)).toBeNull();
  expect(compareAverages(sampleTally(), sampleTally())).toMatchObject({ direction: 'same' });
});

test('small products are summed up, and all shares add up to one', () => {
  const now = ['a', 'b', 'c', 'd'].map((key, i) => sampleKey(key, { count: 40 - 10 * i }));
  const rows = sharesOfVoice(now, null, 3);
  expect(rows.map(({ key, count }) => [key, count])).toEqual([
    ['a', 40],
    ['b', 30],
    [null, 30],
  ]);
  expect(rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
});

test('posts without a product are not mentions', () => {
  expect(sharesOfVoice([sampleKey('')], null, 3)).toEqual([]);
});
