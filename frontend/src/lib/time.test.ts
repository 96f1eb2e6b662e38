import { expect, test } from 'vitest';
import {
  formatAxisTime,
  formatClock,
  formatFullTime,
  formatRange,
  formatterIn,
  formatterOf,
} from '@/lib/time';
import { localZone } from '@/lib/zone';

const AT = '2026-01-02T22:04:20Z';
const NOW = Date.parse('2026-06-01T12:00:00Z');
const zone = 'Asia/Karachi';

test('times are in the zone of the browser', () => {
  expect(formatClock(AT)).toBe(formatterOf({ seconds: 60, stepSeconds: 10 })(AT));
  expect(formatClock(AT)).toBe(
    formatterOf({ seconds: 60, stepSeconds: 10, zone: localZone() })(AT),
  );
});

test.each([
  [10, 10, '03:04:20'],
  [300, 60, '03:04:20'],
  [3_600, 60, '03:04'],
  [86_400, 3_600, '03:04'],
  [7 * 86_400, 3_600, '3 Jan, 03:04'],
  [30 * 86_400, 86_400, '3 Jan'],
])('in %d seconds by %d, a step reads %s', (seconds, stepSeconds, text) => {
  expect(formatterOf({ seconds, stepSeconds, zone })(AT)).toBe(text);
});

test.each([
  ['2026-01-02T10:00:00Z', '2026-01-02T12:00:00Z', '2 Jan, 10:00 – 12:00'],
  ['2026-01-02T22:04:20Z', '2026-01-02T22:04:30Z', '2 Jan, 22:04:20 – 22:04:30'],
  ['2026-01-02T22:00:00Z', '2026-01-03T02:00:00Z', '2 Jan, 22:00 – 3 Jan, 02:00'],
  ['2017-08-26T22:00:00Z', '2017-08-26T23:00:00Z', '26 Aug 2017, 22:00 – 23:00'],
])('from %s to %s is %s', (from, to, text) => {
  expect(formatRange(from, to, 'UTC', NOW)).toBe(text);
});

test('an axis shows the day only if there is more than one', () => {
  const [morning, evening, next] = ['2026-01-02T09:30', '2026-01-02T18:00', '2026-01-03T09:30'];
  expect(formatAxisTime([morning, evening])(morning)).toBe('09:30');
  expect(formatAxisTime([morning, next])(next)).toBe('3 Jan, 09:30');
  expect(formatAxisTime([])('')).toBe('–');
});

test('an invalid time reads as a dash', () => {
  expect(formatterIn('UTC', { hour: '2-digit' })('soon')).toBe('–');
  expect(formatFullTime('soon', zone)).toBe('–');
});
