import { expect, test } from 'vitest';
import { compareAverages, compareCounts, compareShares } from '@/lib/compare';

test.each([
  [110, 100, '+10%'],
  [80, 100, '−20%'],
  [100, 100, '±0'],
  [340, 100, '×3.4'],
  [1_400, 100, '×14'],
  [30, 100, '−70%'],
  [31, 30, '+3%'],
  // Fewer than 30 posts in either period.
  [29, 100, undefined],
  [0, 100, undefined],
  [30_992, 1, undefined],
  [31, 29, undefined],
  [10, 0, undefined],
])('%i posts after %i are %s', (now, before, text) => {
  expect(compareCounts(now, before)?.text).toBe(text);
});

test.each([
  [{ part: 30, of: 100 }, { part: 20, of: 100 }, '+10 pts'],
  [{ part: 21, of: 100 }, { part: 20, of: 100 }, '+1 pt'],
  [{ part: 19, of: 100 }, { part: 20, of: 100 }, '−1 pt'],
  [{ part: 20, of: 100 }, { part: 20, of: 100 }, '±0'],
  // Shown as 30% and 31%.
  [{ part: 304, of: 1_000 }, { part: 308, of: 1_000 }, '−1 pt'],
  [{ part: 20, of: 100 }, { part: 2, of: 29 }, undefined],
  [{ part: 2, of: 29 }, { part: 20, of: 100 }, undefined],
])('a share of %j after %j is %s', (now, before, text) => {
  expect(compareShares(now, before)?.text).toBe(text);
});

test.each([
  [0.2, 30, 0.05, 30, '+0.15'],
  [0.2, 30, 0.2, 40, '±0'],
  // Shown as +0.11 and +0.10.
  [0.108, 30, 0.104, 40, '+0.01'],
  // An average of five posts proves nothing.
  [-0.61, 5, 0, 500, undefined],
  [0, 500, -0.61, 5, undefined],
  [null, 0, 0.2, 40, undefined],
])('an average of %s of %i posts after %s of %i is %s', (average, count, was, n_before, text) => {
  const change = compareAverages({ average, count }, { average: was, count: n_before });
  expect(change?.text).toBe(text);
});
