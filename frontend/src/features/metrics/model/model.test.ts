import { expect, test } from 'vitest';
import { describeSentiment, describeSources } from '@/features/metrics/model/describe';
import { rank } from '@/features/metrics/model/ranking';
import { toRates } from '@/features/metrics/model/trend';
import { noPosts, NOON, sampleKey, sampleSnapshot, sampleTally } from '@/testing/samples';

const order = (...counts: [string, number][]) =>
  rank(
    counts.map(([key, count]) => sampleKey(key, { count })),
    3,
  ).map(({ key }) => key);

test('the largest is first and the list is truncated', () => {
  expect(order(['a', 1], ['b', 50], ['c', 10], ['d', 200])).toEqual(['d', 'b', 'c']);
});

test('items of similar size do not swap places', () => {
  expect(order(['a', 100], ['b', 101])).toEqual(order(['a', 101], ['b', 100]));
});

test('posts without a key are last, whatever their count', () => {
  expect(order(['', 900], ['a', 1])).toEqual(['a', '']);
});

test('posts without a key are listed even if the list is truncated', () => {
  expect(order(['a', 50], ['b', 40], ['c', 30], ['', 5])).toHaveLength(3);
  expect(order(['a', 50], ['b', 40], ['c', 30], ['', 5]).at(-1)).toBe('');
});

test('a key without posts is not listed', () => {
  expect(order(['a', 0], ['b', 2])).toEqual(['b']);
});

test('an incomplete step is divided by its elapsed time', () => {
  const { trend, window } = sampleSnapshot();
  expect(toRates(trend, window.to).map(({ total }) => total)).toEqual([1, 2]);
});

test('a step that has just begun is skipped', () => {
  const trend = {
    step_seconds: 10,
    items: [{ from: new Date(NOON - 500).toISOString(), ...sampleTally() }],
  };
  expect(toRates(trend, new Date(NOON).toISOString())).toEqual([]);
});

test('an empty step has zero posts and no average', () => {
  const trend = {
    step_seconds: 10,
    items: [{ from: new Date(NOON - 20_000).toISOString(), ...noPosts }],
  };
  const [point] = toRates(trend, new Date(NOON).toISOString());
  expect(point).toMatchObject({ total: 0, average: null, negativeShare: null });
});

test.each([
  [null, 'no posts'],
  [0.03, 'balanced'],
  [0.1, 'slightly positive'],
  [-0.3, 'negative'],
  [-0.8, 'strongly negative'],
])('an average of %s is %s', (average, words) => {
  expect(describeSentiment(average)).toBe(words);
});

test('the share of synthetic posts is shown', () => {
  const sources = [
    { key: 'replay', count: 80 },
    { key: 'synthetic', count: 20 },
    { key: 'http', count: 0 },
  ];
  expect(describeSources(sources)).toBe('80% replay, 20% synthetic');
  const mixed = [
    { key: 'http', count: 1 },
    { key: 'replay', count: 999 },
  ];
  expect(describeSources(mixed)).toBe('100% replay, <1% HTTP');
  expect(describeSources([])).toBeNull();
});
