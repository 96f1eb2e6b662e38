import { expect, test } from 'vitest';
import { withLabel } from '@/features/explore/api/use-label';
import { toggleValue } from '@/features/explore/model/filters';
import { describeFilters, nameOf } from '@/features/explore/model/names';
import {
  canOrder,
  ORDERS,
  parseQuery,
  queryToSearch,
  toOtherValue,
  toPosts,
  toSums,
  withFilter,
  withRange,
  withWindow,
} from '@/features/explore/model/query';
import { totalOf } from '@/lib/totals';
import { localZone } from '@/lib/zone';
import { noPosts, samplePost, sampleTally } from '@/testing/samples';

const [FROM, TO] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];

test('without search parameters, the page shows the last day, compared, by product, newest first', () => {
  expect(parseQuery({})).toEqual({
    window: '24h',
    tz: localZone(),
    step: 'auto',
    order: 'newest',
    by: 'product',
    compare: { kind: 'previous' },
    lines: false,
    filters: {},
  });
});

test('search parameters round-trip', () => {
  const search = {
    from: FROM,
    to: TO,
    tz: 'Europe/Paris',
    step: 'hour',
    product: ['McGregor', 'Mayweather'],
    product_not: 'Pacquiao',
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
  ['a zone on another planet', { tz: 'Mars/Olympus' }, 'tz', localZone()],
  ['an end before the beginning', { from: TO, to: FROM }, 'from', undefined],
  ['a beginning without an end', { from: FROM }, 'from', undefined],
  ['an order nobody knows', { order: 'oldest' }, 'order', 'newest'],
] as const)('%s is left out', (_, search, key, left) => {
  expect(parseQuery(search)[key]).toBe(left);
});

test('a search for a number or boolean stays text', () => {
  expect(parseQuery({ q: 2026 }).filters.q).toEqual(['2026']);
  expect(parseQuery({ q: true }).filters.q).toEqual(['true']);
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
  const query = parseQuery({
    ...{ window: '1h', tz: 'UTC', emotion: 'joy', min_churn: 0.8, order: 'rising' },
  });
  const common = { window: '1h', emotion: ['joy'], min_churn: ['0.8'] };
  expect(toSums(query)).toEqual({ ...common, tz: undefined, compare: 'previous' });
  expect(toPosts(query)).toEqual({ ...common, order: 'rising' });
});

test('an empty key selects posts without a value, where allowed', () => {
  expect(parseQuery({ product: '', platform: '', q: '' }).filters).toEqual({
    product: [''],
  });
});

test('periods of more than a week can only be sorted by time and engagement', () => {
  const month = parseQuery({ window: '30d' });
  expect(ORDERS.filter((order) => canOrder(month, order))).toEqual(['newest', 'engagement']);
  expect(ORDERS.every((order) => canOrder(parseQuery({ window: '7d' }), order))).toBe(true);
  expect(canOrder(parseQuery({ window: 'month', order: 'rising' }))).toBe(false);
});

test('a calendar period stays relative, in the time zone of the page', () => {
  const query = parseQuery({ window: 'week', tz: 'Europe/Paris', order: 'engagement' });
  expect(queryToSearch(query)).toEqual({
    ...{ window: 'week', tz: 'Europe/Paris', order: 'engagement' },
  });
  expect(toSums(query)).toMatchObject({ window: 'week', tz: 'Europe/Paris' });
  expect(toPosts(query)).toMatchObject({ window: 'week', tz: 'Europe/Paris' });
  expect(toPosts(parseQuery({ window: '24h', tz: 'Europe/Paris' }))['tz']).toBeUndefined();
  expect(toSums(parseQuery({ window: 'today', from: FROM, to: TO }))).toMatchObject({ from: FROM });
});

test.each([
  [{ compare: 'none' }, { kind: 'none' }, {}],
  [{ compare: 'week' }, { kind: 'week' }, { compare: 'week' }],
  [{ compare_from: FROM }, { kind: 'from', from: FROM }, { compare_from: FROM }],
  [{ versus_by: 'city', versus: '' }, { kind: 'value', by: 'city', key: '' }, {}],
] as const)('a comparison round-trips: %j', (search, compare, asked) => {
  const query = parseQuery(search);
  expect(query.compare).toEqual(compare);
  expect(queryToSearch(query)).toEqual(search);
  const { compare: period, compare_from: from } = toSums(query);
  expect({ ...(period && { compare: period }), ...(from && { compare_from: from }) }).toEqual(
    asked,
  );
});

test('two values side by side have the same period and the other filters', () => {
  const query = parseQuery({
    ...{ product: 'a', city: 'Lagos', product_not: 'b', versus_by: 'product', versus: 'b' },
  });
  const other = toOtherValue(query, { from: FROM, to: TO });
  expect(other?.filters).toEqual({ product: ['b'], city: ['Lagos'] });
  expect(toSums(other!)).toMatchObject({ from: FROM, to: TO, compare: undefined });
  expect(toOtherValue(parseQuery({}), { from: FROM, to: TO })).toBeNull();
});

test('setting and removing a filter keeps the others', () => {
  const both = withFilter(parseQuery({ city: 'Lagos' }), 'label', 'positive');
  expect(both.filters).toEqual({ city: ['Lagos'], label: ['positive'] });
  expect(withFilter(both, 'city', undefined).filters).toEqual({ label: ['positive'] });
});

/** A step that is over. */
const WHOLE = { from: FROM, to: TO, seconds: 60, complete: true };

test('the average of a period weights each step by its posts', () => {
  const step = (count: number, average: number) => ({
    ...WHOLE,
    ...sampleTally({ count, sentiment: { average, positive: 0, neutral: 0, negative: 1 } }),
  });
  expect(totalOf([step(30, 1), step(10, -1)])).toMatchObject({ count: 40, average: 0.5 });
});

test('a period without posts has no average and no share', () => {
  const totals = totalOf([{ ...WHOLE, ...noPosts }]);
  expect(totals).toMatchObject({ count: 0, average: null, negativeShare: null });
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
  expect(parseQuery(search).filters).toEqual({
    label: ['negative'],
    emotion: ['joy'],
    min_virality: ['60'],
    min_churn: ['0.8'],
  });
});

test('a filter selects several values and excludes others', () => {
  const { filters } = parseQuery({
    product: ['a', 'b', 'a', ''],
    city_not: 'Berlin',
    label: ['positive', 'odd'],
    q: ['one', 'two'],
    lang: Array.from({ length: 30 }, (_, i) => `l${i}`),
  });
  expect(filters).toMatchObject({ product: ['a', 'b', ''], city_not: ['Berlin'] });
  expect(filters.label).toEqual(['positive']);
  expect(filters.q).toEqual(['one']);
  expect(filters.lang).toHaveLength(20);
  expect(describeFilters({ product: ['a', ''], city_not: ['Berlin', 'Paris'] })).toEqual([
    'product a or Unattributed',
    'city is not Berlin or Paris',
  ]);
});

test('narrowing to a value replaces what was selected and excluded', () => {
  const query = parseQuery({ product: ['a', 'b'], product_not: 'c', city_not: 'Berlin' });
  expect(withFilter(query, 'product', 'c').filters).toEqual({
    product: ['c'],
    city_not: ['Berlin'],
  });
  expect(toggleValue(query.filters, 'product', 'b')).toMatchObject({ product: ['a'] });
  expect(toggleValue(query.filters, 'product_not', 'c')['product_not']).toBeUndefined();
});
