import { expect, test } from 'vitest';
import { outdatedAfterMs } from '@/features/wall/model/freshness';
import { nextQuery } from '@/features/wall/model/rotation';
import { scaleOf } from '@/features/wall/model/scale';

test.each([
  [1920, 1080, 1.25],
  [3840, 2160, 2.5],
  [2560, 1080, 1.25],
  [1280, 720, 1],
  [390, 844, 1],
])('a screen of %d × %d shows the page at %d', (width, height, scale) => {
  expect(scaleOf({ width, height })).toBe(scale);
});

test('views take turns, and an unsaved one is followed by the first', () => {
  expect(nextQuery(['a', 'b'], 'a')).toBe('b');
  expect(nextQuery(['a', 'b'], 'b')).toBe('a');
  expect(nextQuery(['a', 'b'], 'other')).toBe('a');
  expect(nextQuery([], 'a')).toBeNull();
});

test('figures are outdated after three missed moves or two missed polls', () => {
  expect(outdatedAfterMs(null)).toBe(30_000);
  expect(outdatedAfterMs(60_000)).toBe(135_000);
});
