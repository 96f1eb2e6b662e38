import { expect, test } from 'vitest';
import { withLabel } from '@/features/explore/api/use-label';
import { nameOf } from '@/features/explore/model/names';
import { describeRange } from '@/features/explore/components/range-control';
import {
  canOrder,
  parseQuery,
  queryToSearch,
  toPosts,
  toSums,
  withFilter,
  withRange,
  withWindow,
} from '@/features/explore/model/query';
import { formatChange, formatPoints, totalOf } from '@/features/explore/model/totals';
import { noPosts, samplePost, sampleTally } from '@/testing/samples';

const [FROM, TO] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];

test('without search parameters, the page shows the last day, compared, by product, newest first', () => {
  expect(parseQuery({})).toEqual({
    window: '24h',
    tz: 'UTC',
    step: 'auto',
    order: 'newest',
    by: 'product',
    compare: true,
    filters: {},
  });
});

test('search parameters round-trip', () => {
  const search = {
    from: FROM,
    to: TO,
    tz: 'Europe/Paris',
    step: 'hour',
    product: 'McGregor',
    label: 'negative',
    lang: 'en',
    q: 'what a night',
    author: 'u123',
    order: 'rising',
    by: 'city',
    compare: 'none',
    post: 'post-1',
  };
  expect(queryToSearch(parseQuery(search))).toEqual(search);
});

test.each([
  ['a window of years', { window: '3y' }, 'window', '24h'],
  ['a zone on another planet', { tz: 'Mars/Olympus' }, 'tz', 'UTC'],
  ['an end before the beginning', { from: TO, to: FROM }, 'from', undefined],
  ['a beginning without an end', { from: FROM }, 'from', undefined],
  ['an order nobody knows', { order: 'oldest' }, 'order', 'newest'],
] as const)('%s is left out', (_, search, key, left) => {
  expect(parseQuery(search)[key]).toBe(left);
});

test('a search for a number or boolean stays text', () => {
  expect(parseQuery({ q: 2026 }).filters.q).toBe('2026');
  expect(parseQuery({ q: true }).filters.q).toBe('true');
});

test('a custom period replaces the window and resets the step', () => {
  const narrowed = withRange(parseQuery({ window: '7d', step: 'day' }), FROM, TO);
  expect(toSums(narrowed)).toMatchObject({ from: FROM, to: TO });
  expect(toSums(narrowed)['window']).toBeUndefined();
  expect(narrowed.step).toBe('auto');
  expect(toSums(withWindow(narrowed, '1h'))).toMatchObject({ window: '1h' });
  expect(withWindow(narrowed, '1h').from).toBeUndefined();
});

test('figures and posts use the same period and filters', () => {
  const query = parseQuery({ window: '1h', emotion: 'joy', min_churn: 0.8, order: 'rising' });
  const common = { window: '1h', emotion: 'joy', min_churn: '0.8' };
  expect(toSums(query)).toEqual({ ...common, tz: undefined, compare: 'previous' });
  expect(toPosts(query)).toEqual({ ...common, order: 'rising' });
});

test('an empty key selects posts without a value, where allowed', () => {
  expect(parseQuery({ product: '', platform: '', q: '' }).filters).toEqual({ product: '' });
});

test('periods of more than a week can only be sorted by time', () => {
  expect(canOrder(parseQuery({ window: '7d' }))).toBe(true);
  expect(canOrder(parseQuery({ window: '30d' }))).toBe(false);
});

test('setting and removing a filter keeps the others', () => {
  const both = withFilter(parseQuery({ city: 'Lagos' }), 'label', 'positive');
  expect(both.filters).toEqual({ city: 'Lagos', label: 'positive' });
  expect(withFilter(both, 'city', undefined).filters).toEqual({ label: 'positive' });
});

test('the average of a period weights each step by its posts', () => {
  const step = (count: number, average: number) => ({
    from: FROM,
    to: TO,
    ...sampleTally({ count, sentiment: { average, positive: 0, neutral: 0, negative: 1 } }),
  });
  expect(totalOf([step(30, 1), step(10, -1)])).toMatchObject({ count: 40, average: 0.5 });
});

test('a period without posts has no average and no share', () => {
  const totals = totalOf([{ from: FROM, to: TO, ...noPosts }]);
  expect(totals).toMatchObject({ count: 0, average: null, negativeShare: null });
});

test.each([
  [112, 100, '+12%'],
  [70, 100, '−30%'],
  [100, 100, '±0%'],
  [1_400, 100, '×14'],
  [5, 0, 'new'],
  [0, 0, '–'],
  [0, 5, '−100%'],
])('from %2$d to %1$d is %3$s', (now, before, text) => {
  expect(formatChange(now, before)).toBe(text);
});

test.each([
  [0.53, 0.5, '+3 pts'],
  [0.4, 0.5, '−10 pts'],
  [0.5, 0.5, '±0 pts'],
  [null, 0.5, '–'],
])('a share of %s after %s changed by %s', (now, before, text) => {
  expect(formatPoints(now, before)).toBe(text);
});

test.each([
  ['product', '', 'Unattributed'],
  ['lang', '', 'Unknown'],
  ['lang', 'pt', 'Portuguese'],
  ['lang', '§', '§'],
  ['author', 'u1', '@u1'],
  ['label', 'negative', 'Negative'],
] as const)('the %s `%s` is called %s', (by, key, name) => {
  expect(nameOf(by, key)).toBe(name);
});

test('a corrected label changes only its own post', () => {
  const pages = {
    pageParams: [undefined],
    pages: [{ items: [samplePost(1), samplePost(2)], next_cursor: null }],
  };
  const labels = withLabel(pages, 'post-2', 'negative').pages[0]!.items.map(
    ({ corrected_label }) => corrected_label,
  );
  expect(labels).toEqual([undefined, 'negative']);
});

test.each([
  { label: 'odd' },
  { emotion: 'odd' },
  { min_virality: 'abc' },
  { min_virality: '101' },
  { min_churn: '7' },
  { q: 'a'.repeat(501) },
  { product: 'a\0b' },
])('a filter that the server would reject is dropped: %j', (search) => {
  expect(parseQuery(search).filters).toEqual({});
});

test('valid filters are kept', () => {
  const search = { label: 'negative', emotion: 'joy', min_virality: '60', min_churn: '0.8' };
  expect(parseQuery(search).filters).toEqual(search);
});

test('a period in another year includes the year', () => {
  const now = Date.parse('2026-06-01T00:00:00Z');
  const said = (from: string, to: string) => describeRange(parseQuery({ from, to }), now);
  expect(said(FROM, TO)).toBe('1 Jan, 00:00 – 2 Jan, 00:00');
  expect(said('2025-12-31T00:00:00Z', TO)).toBe('31 Dec 2025, 00:00 – 2 Jan 2026, 00:00');
});
