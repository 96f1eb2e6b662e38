import { expect, test } from 'vitest';
import { isSocketView, liveSecondsOf, nameOfWindow, parseView, viewToSearch } from '@/lib/view';

test('an empty address is the last minute of everything', () => {
  expect(parseView({})).toEqual({ window: '60s' });
});

test('an address survives the way there and back', () => {
  const view = parseView({ window: '1h', source: 'replay', city: 'São Paulo', top: 'rising' });
  expect(view.top).toBe('rising');
  expect(parseView(viewToSearch(view))).toEqual(view);
});

test('what makes no sense is left out', () => {
  expect(parseView({ window: '3y', source: { a: 1 }, product: '', extra: 'x' })).toEqual({
    window: '60s',
  });
});

test('a key that looks like a number stays a name', () => {
  expect(parseView({ product: 2026 }).product).toBe('2026');
});

test('the default window does not lengthen the address', () => {
  expect(viewToSearch({ window: '60s', top: 'virality' })).toEqual({});
});

test('only the unfiltered last minute comes by socket', () => {
  expect(isSocketView({ window: '60s' })).toBe(true);
  expect(isSocketView({ window: '5m' })).toBe(false);
  expect(isSocketView({ window: '60s', source: 'replay' })).toBe(false);
});

test.each([
  [undefined, 60, 'last 60 seconds'],
  [{ seconds: 63 }, 60, 'last 60 seconds'],
  [{ seconds: 10 }, 10, 'last 10 seconds'],
  [{ seconds: 99 }, 90, 'last 90 seconds'],
  [{ seconds: 304 }, 300, 'last 5 minutes'],
  [{ seconds: 909 }, 900, 'last 15 minutes'],
])('a live window of %j is called by its length', (window, seconds, name) => {
  expect(liveSecondsOf(window)).toBe(seconds);
  expect(nameOfWindow('60s', window)).toBe(name);
  expect(nameOfWindow('1h', window)).toBe('last hour');
});
