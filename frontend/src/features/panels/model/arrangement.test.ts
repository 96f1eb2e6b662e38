import { expect, test } from 'vitest';
import {
  DEFAULT_ARRANGEMENT,
  formatArrangement,
  hiddenPanels,
  isDefault,
  laptopSize,
  PANEL_IDS,
  parseArrangement,
  withMoved,
  without,
  withShown,
  withSize,
  type Arrangement,
} from '@/features/panels/model/arrangement';

const ARRANGED: Arrangement = [
  { id: 'trend', cols: 12, rows: 8 },
  { id: 'feed', cols: 4, rows: 10 },
  { id: 'cities', cols: 8, rows: 10 },
];

const idsOf = (arrangement: Arrangement) => arrangement.map(({ id }) => id);

test('an arrangement round-trips through the URL', () => {
  expect(formatArrangement(ARRANGED)).toBe('trend-12x8.feed-4x10.cities-8x10');
  expect(parseArrangement(formatArrangement(ARRANGED))).toEqual(ARRANGED);
  expect(isDefault(parseArrangement(formatArrangement(DEFAULT_ARRANGEMENT)) ?? [])).toBe(true);
});

test.each([
  ['nonsense', null],
  ['', null],
  [undefined, null],
  ['trend-9x6.unknown-3x3.trend-5x5', 'trend-9x6'],
  ['trend-1x1.feed-99x99', 'trend-4x5.feed-12x24'],
])('of %s, the page shows %s', (text, shown) => {
  const parsed = parseArrangement(text);
  expect(parsed && formatArrangement(parsed)).toBe(shown);
});

test('a panel moves to a position and never out of the list', () => {
  expect(idsOf(withMoved(ARRANGED, 'cities', 0))).toEqual(['cities', 'trend', 'feed']);
  expect(idsOf(withMoved(ARRANGED, 'trend', 1))).toEqual(['feed', 'trend', 'cities']);
  expect(idsOf(withMoved(ARRANGED, 'trend', 9))).toEqual(['feed', 'cities', 'trend']);
  expect(withMoved(ARRANGED, 'top', 0)).toBe(ARRANGED);
});

test('a size stays within the limits of its panel', () => {
  const [trend] = withSize(ARRANGED, 'trend', { cols: 2, rows: 90 });
  expect(trend).toEqual({ id: 'trend', cols: 4, rows: 24 });
});

test('hidden panels can be shown again, and the last visible one cannot be hidden', () => {
  const two = without(ARRANGED, 'feed');
  expect(hiddenPanels(two)).toHaveLength(PANEL_IDS.length - 2);
  expect(withShown(two, 'feed').at(-1)).toEqual({ id: 'feed', cols: 3, rows: 17 });
  const one = without(two, 'trend');
  expect(without(one, 'cities')).toBe(one);
});

test.each([
  [3, 4],
  [5, 4],
  [6, 8],
  [9, 8],
  [10, 12],
  [12, 12],
])('%d columns are %d on a laptop', (cols, expected) => {
  expect(laptopSize({ cols, rows: 17 })).toEqual({ cols: expected, rows: 11 });
});
