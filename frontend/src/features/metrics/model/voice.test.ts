import { expect, test } from 'vitest';
import { sharesOfVoice } from '@/features/metrics/model/voice';
import { sampleKey } from '@/testing/samples';

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

test('shares are compared only from 30 mentions on', () => {
  const voice = (before: number) =>
    sharesOfVoice([sampleKey('a', { count: 60 })], [sampleKey('a', { count: before })], 3)[0];
  expect(voice(29)).toMatchObject({ before: null, change: null });
  expect(voice(30)).toMatchObject({ before: 1, change: { text: '±0' } });
});
