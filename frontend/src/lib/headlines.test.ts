import { expect, test } from 'vitest';
import { headlinesOf } from '@/lib/headlines';

const NOW = { count: 200, average: 0.25, negative: 40, highChurn: 60 };
const BEFORE = { count: 100, average: 0.2, negative: 30, highChurn: 40 };

const texts = (...periods: Parameters<typeof headlinesOf>) =>
  Object.values(headlinesOf(...periods)).map(({ value, change, was }) => [
    value,
    change?.text ?? null,
    was,
  ]);

test('each figure has its change and what it was', () => {
  expect(texts(NOW, BEFORE)).toEqual([
    ['200', '×2.0', 'was 100'],
    ['+0.25', '+0.05', 'was +0.20'],
    ['20%', '−10 pts', 'was 30%'],
    ['60', '+50%', 'was 40'],
  ]);
});

test('more negative posts and more churn are bad, and so is a lower sentiment', () => {
  const { posts, sentiment, negative, churn } = headlinesOf(NOW, BEFORE);
  expect('bad' in posts).toBe(false);
  expect([sentiment.bad, negative.bad, churn.bad]).toEqual(['down', 'up', 'up']);
});

test('few posts are not compared, and none at all are said', () => {
  const few = { ...BEFORE, count: 29 };
  expect(texts(NOW, few)[0]).toEqual(['200', null, 'was 29']);
  const none = { count: 0, average: null, negative: 0, highChurn: 0 };
  expect(texts(NOW, none).map(([, , was]) => was)).toEqual(['none before', null, null, null]);
  expect(texts(none, null).map(([value]) => value)).toEqual(['0', '–', '–', '0']);
});

test('figures are unknown before they have been loaded, and estimates are marked', () => {
  expect(texts(null, BEFORE).map(([value, change]) => [value, change])).toEqual(
    Array(4).fill([null, null]),
  );
  expect(texts(NOW, null, { isEstimate: true }).map(([value]) => value)).toEqual([
    '≈ 200',
    '+0.25',
    '20%',
    '≈ 60',
  ]);
});

test('a chosen comparison is named', () => {
  const { posts } = headlinesOf(NOW, BEFORE, { comparedWith: 'Tide' });
  expect([posts.was, posts.comparedWith]).toEqual(['Tide: 100', 'Tide']);
});
