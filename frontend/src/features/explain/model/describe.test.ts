import { expect, test } from 'vitest';
import type { Peak } from '@/api/wire';
import { describePeak, searchFor } from '@/features/explain/model/describe';

const peak: Peak = {
  metric: 'volume',
  from: '2026-11-21T08:40:00Z',
  to: '2026-11-21T08:50:00Z',
  at: '2026-11-21T08:40:00Z',
  value: 1_840,
  expected: 211.7,
  count: 1_840,
  deviations: 30,
};

test('a peak is described by its figure and the expected one', () => {
  expect(describePeak(peak)).toBe('1,840 posts, expected 212');
  const share: Peak = { ...peak, metric: 'negative_share', value: 0.68, expected: 0.214 };
  expect(describePeak(share)).toBe('68% negative, expected 21%');
});

test('a pair of words is searched for as a phrase', () => {
  expect(searchFor('recall')).toBe('recall');
  expect(searchFor('battery drain')).toBe('"battery drain"');
});
