import { expect, test } from 'vitest';
import { describeSources } from '@/features/metrics/model/describe';
import { rank } from '@/features/metrics/model/ranking';
import { finished, stepsOf } from '@/features/metrics/model/trend';
import { describeSentiment } from '@/lib/headlines';
import { NOON, sampleKey, sampleTally } from '@/testing/samples';

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

test('a step that has not ended is unfinished, and no line ends in it', () => {
  const step = (ago: number, seconds: number, complete: boolean) => ({
    from: new Date(NOON - ago * 1_000).toISOString(),
    ...{ seconds, complete },
    ...sampleTally(),
  });
  const steps = stepsOf({
    step_seconds: 10,
    items: [step(12.5, 10, true), step(2.5, 2.5, false)],
    peaks: [],
  });
  expect(steps.map(({ isUnfinished }) => isUnfinished)).toEqual([false, true]);
  expect(steps[1]?.to).toBe(new Date(NOON).toISOString());
  expect(finished(steps)).toHaveLength(1);
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
