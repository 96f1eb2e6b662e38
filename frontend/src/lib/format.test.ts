import { expect, test } from 'vitest';
import {
  formatAge,
  formatCount,
  formatDuration,
  formatElapsed,
  formatKey,
  formatRate,
  formatShare,
  formatSigned,
  formatSome,
  formatConfidence,
} from '@/lib/format';
import { NOON } from '@/testing/samples';

test.each([
  [0, '0'],
  [12_118, '12,118'],
  [99_999, '99,999'],
  [118_400, '118.4K'],
])('the count %d reads %s', (count, text) => {
  expect(formatCount(count)).toBe(text);
});

test.each([
  [0, '0.0'],
  [0.04, '0.04'],
  [12.46, '12.5'],
  [1_204.4, '1,204'],
])('the rate %d reads %s', (rate, text) => {
  expect(formatRate(rate)).toBe(text);
});

test.each([
  [0.42, '+0.42'],
  [-0.42, '−0.42'],
  [-0.001, '0.00'],
  [null, '–'],
  [undefined, '–'],
  [Number.NaN, '–'],
])('the score %s reads %s', (score, text) => {
  expect(formatSigned(score)).toBe(text);
});

test.each([
  [1, 3, '33%'],
  [1, 1_000, '<1%'],
  [0, 10, '0%'],
  [0, 0, '–'],
])('%d of %d is %s', (part, total, text) => {
  expect(formatShare(part, total)).toBe(text);
});

test.each([
  [0, 'now'],
  [-5_000, 'now'],
  [12_000, '12 s'],
  [240_000, '4 min'],
  [3 * 3_600_000, '3 h'],
  [50 * 3_600_000, '2 d'],
])('something %d ms old is %s', (age, text) => {
  expect(formatAge(new Date(NOON - age).toISOString(), NOON)).toBe(text);
});

test.each([
  [0.62, '62% confident'],
  [0.999, 'over 99% confident'],
  [Number.NaN, 'confidence unknown'],
])('a confidence of %d reads %s', (confidence, words) => {
  expect(formatConfidence(confidence)).toBe(words);
});

test.each([
  [-3, '0.0 s'],
  [412, '0.4 s'],
  [12_345, '12 s'],
  [240_000, '4 min'],
  [Number.NaN, '–'],
])('%d ms reads %s', (ms, text) => {
  expect(formatElapsed(ms)).toBe(text);
});

test.each([
  [0, '0 seconds'],
  [1, '1 second'],
  [300, '5 minutes'],
  [5_400, '90 minutes'],
  [86_400, '1 day'],
])('a duration of %d seconds reads %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test('an unreadable time has no age', () => {
  expect(formatAge('soon', NOON)).toBe('–');
});

test('the empty key is named', () => {
  expect(formatKey('')).toBe('Unattributed');
});

test('a truncated count has a plus sign', () => {
  expect(formatSome(200, true)).toBe('200+');
  expect(formatSome(12, false)).toBe('12');
});
