import { expect, test } from 'vitest';
import { isSocketView, liveSecondsOf, nameOfWindow, parseView, viewToSearch } from '@/lib/view';

test('without search parameters, the page shows the last minute of everything', () => {
  expect(parseView({})).toEqual({ window: '60s' });
});

test('search parameters round-trip', () => {
  const view = parseView({
    ...{ window: '1h', source: 'replay', city: 'São Paulo', top: 'rising' },
    panels: 'trend-9x6.feed-3x17',
  });
  expect(view.top).toBe('rising');
  expect(view.panels).toBe('trend-9x6.feed-3x17');
  expect(parseView(viewToSearch(view))).toEqual(view);
});

test('invalid parameters are dropped', () => {
  expect(parseView({ window: '3y', source: { a: 1 }, product: '', extra: 'x' })).toEqual({
    window: '60s',
  });
});

test.each([
  ['', 0],
  ['30', 30],
  ['1', 0],
  ['-5', 0],
])('?wall=%s shows a view for %d seconds', (text, seconds) => {
  const view = parseView({ wall: text });
  expect(view.wall).toBe(seconds);
  expect(parseView(viewToSearch(view))).toEqual(view);
});

test('a key that looks like a number stays text', () => {
  expect(parseView({ product: 2026 }).product).toBe('2026');
});

test('the default window is not in the URL', () => {
  expect(viewToSearch({ window: '60s', top: 'virality' })).toEqual({});
});

test('only the unfiltered last minute comes over the socket', () => {
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
])('a live window of %j is named by its length', (window, seconds, name) => {
  expect(liveSecondsOf(window)).toBe(seconds);
  expect(nameOfWindow('60s', window)).toBe(name);
  expect(nameOfWindow('1h', window)).toBe('last hour');
});
