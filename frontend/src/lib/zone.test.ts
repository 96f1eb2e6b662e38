import { expect, test } from 'vitest';
import {
  fromWallClock,
  isZone,
  listZones,
  localZone,
  toWallClock,
  localWeekStart,
} from '@/lib/zone';

test.each([
  ['2026-01-02T12:00:00Z', 'UTC', '2026-01-02T12:00'],
  ['2026-01-02T12:00:00Z', 'Asia/Kolkata', '2026-01-02T17:30'],
  ['2026-07-02T12:00:00Z', 'Europe/Paris', '2026-07-02T14:00'],
  ['2026-01-01T03:00:00Z', 'America/New_York', '2025-12-31T22:00'],
  ['2026-01-02T12:00:20Z', 'UTC', '2026-01-02T12:00:20'],
])('%s in %s is %s, and round-trips', (at, zone, wall) => {
  expect(toWallClock(at, zone)).toBe(wall);
  expect(fromWallClock(wall, zone)).toBe(at);
});

test('a skipped hour is the one after it', () => {
  expect(fromWallClock('2026-03-29T02:30', 'Europe/Paris')).toBe('2026-03-29T01:30:00Z');
});

test('a repeated hour is the first one', () => {
  expect(fromWallClock('2026-10-25T02:30', 'Europe/Paris')).toBe('2026-10-25T00:30:00Z');
});

test('invalid text is not a time', () => {
  expect(fromWallClock('soon', 'UTC')).toBeNull();
  expect(toWallClock('soon', 'UTC')).toBe('');
});

test('a zone is valid if the browser knows it', () => {
  expect(isZone('Europe/Paris')).toBe(true);
  expect(isZone('Mars/Olympus')).toBe(false);
  expect(listZones('UTC')[0]).toBe(localZone());
});

test('a zone in use is listed under its own name', () => {
  for (const name of ['Asia/Kolkata', 'Asia/Calcutta']) expect(listZones(name)).toContain(name);
});

test('the week starts where the person lives', () => {
  expect(localWeekStart('de-DE')).toBe('monday');
  expect(localWeekStart('en-US')).toBe('sunday');
  expect(localWeekStart('ar-EG')).toBe('saturday');
});
