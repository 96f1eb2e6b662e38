import { EMOTIONS, SENTIMENTS } from '@/api/wire';
import type { Query } from '@/lib/api-client';
import { isZone } from '@/lib/zone';

export const RANGES = ['1h', '24h', '7d', '30d', '90d'] as const;
export type RangeKey = (typeof RANGES)[number];

export const RANGE_NAMES: Record<RangeKey, string> = {
  '1h': 'last hour',
  '24h': 'last 24 hours',
  '7d': 'last 7 days',
  '30d': 'last 30 days',
  '90d': 'last 90 days',
};

const RANGE_MS: Record<RangeKey, number> = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 7 * 86_400_000,
  '30d': 30 * 86_400_000,
  '90d': 90 * 86_400_000,
};

export const STEPS = ['auto', 'minute', 'hour', 'day', 'week'] as const;
export const ORDERS = ['newest', 'virality', 'engagement', 'rising'] as const;
export const DIMENSIONS = [
  'product',
  'platform',
  'channel',
  'city',
  'source',
  'label',
  'emotion',
  'lang',
  'author',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export type Order = (typeof ORDERS)[number];

/** The filters for both figures and posts; `q` is a full-text search. */
export const FILTERS = [
  'product',
  'platform',
  'channel',
  'city',
  'source',
  'label',
  'lang',
  'q',
  'emotion',
  'author',
  'min_virality',
  'min_churn',
] as const;
export type FilterKey = (typeof FILTERS)[number];

/** For these filters, the empty key matches posts without a value. */
const MAY_BE_EMPTY: readonly FilterKey[] = ['product', 'channel', 'city', 'lang', 'author'];

/** The server's limit. */
export const SEARCH_CHARACTERS_MAX = 500;

/** The state of the page, all of it in the URL, under the API's names. */
export interface ExploreQuery {
  /** Ends now; used if `from` and `to` are not given. */
  window: RangeKey;
  from?: string;
  to?: string;
  tz: string;
  step: (typeof STEPS)[number];
  order: Order;
  by: Dimension;
  /** Whether to compare with the previous period. */
  compare: boolean;
  filters: Partial<Record<FilterKey, string>>;
  /** The post that is open. */
  post?: string;
}

/** Parses search parameters, ignoring invalid ones. */
export function parseQuery(search: Record<string, unknown>): ExploreQuery {
  const text = (key: string) => textOf(search[key]);
  const pick = <Value extends string>(key: string, among: readonly Value[], fallback: Value) =>
    among.find((value) => value === text(key)) ?? fallback;
  const [from, to, tz, post] = [text('from'), text('to'), text('tz'), text('post')];
  const filters: ExploreQuery['filters'] = {};
  for (const key of FILTERS) {
    const isNone = search[key] === '' && MAY_BE_EMPTY.includes(key);
    const value = isNone ? '' : text(key);
    if (value !== undefined && isValid(key, value)) filters[key] = value;
  }
  return {
    window: pick('window', RANGES, '24h'),
    ...(from !== undefined && to !== undefined && isRange(from, to) && { from, to }),
    tz: tz !== undefined && isZone(tz) ? tz : 'UTC',
    step: pick('step', STEPS, 'auto'),
    order: pick('order', ORDERS, 'newest'),
    by: pick('by', DIMENSIONS, 'product'),
    compare: text('compare') !== 'none',
    filters,
    ...(post !== undefined && { post }),
  };
}

/** Whether the server accepts a filter; an invalid one would fail every query. */
function isValid(key: FilterKey, value: string): boolean {
  const isWithin = (most: number) => Number(value) >= 0 && Number(value) <= most;
  switch (key) {
    case 'label':
      return SENTIMENTS.some((label) => label === value);
    case 'emotion':
      return EMOTIONS.some((emotion) => emotion === value);
    case 'min_virality':
      return isWithin(100);
    case 'min_churn':
      return isWithin(1);
    case 'q':
      return [...value].length <= SEARCH_CHARACTERS_MAX;
    default:
      return true;
  }
}

/** Returns the shortest equivalent search parameters. */
export function queryToSearch(query: ExploreQuery): Record<string, string> {
  const plain: [string, string | undefined, string?][] = [
    ['window', query.from === undefined ? query.window : undefined, '24h'],
    ['from', query.from],
    ['to', query.to],
    ['tz', query.tz, 'UTC'],
    ['step', query.step, 'auto'],
    ...FILTERS.map((key): [string, string | undefined] => [key, query.filters[key]]),
    ['order', query.order, 'newest'],
    ['by', query.by, 'product'],
    ['compare', query.compare ? undefined : 'none'],
    ['post', query.post],
  ];
  return Object.fromEntries(
    plain.flatMap(([key, value, usual]) =>
      value === undefined || value === usual ? [] : [[key, value]],
    ),
  );
}

/** Returns the query with one filter set; undefined removes it. */
export function withFilter(
  query: ExploreQuery,
  key: FilterKey,
  value: string | undefined,
): ExploreQuery {
  const others = Object.entries(query.filters).filter(([name]) => name !== key);
  const filters = Object.fromEntries(value === undefined ? others : [...others, [key, value]]);
  return { ...query, filters };
}

/** Returns the query for a custom period, with an automatic step. */
export function withRange(query: ExploreQuery, from: string, to: string): ExploreQuery {
  return { ...query, from, to, step: 'auto' };
}

/** Returns the query for a period that ends now. */
export function withWindow(query: ExploreQuery, window: RangeKey): ExploreQuery {
  const next = { ...query, window, step: 'auto' as const };
  delete next.from;
  delete next.to;
  return next;
}

/** The API parameters for series and breakdowns. */
export function toSums(query: ExploreQuery): Query {
  const { tz, compare } = query;
  return {
    ...toPeriod(query),
    tz: tz === 'UTC' ? undefined : tz,
    compare: compare ? 'previous' : undefined,
  };
}

/** The API parameters for posts. */
export function toPosts(query: ExploreQuery): Query {
  const { order } = query;
  return { ...toPeriod(query), order: order === 'newest' ? undefined : order };
}

function toPeriod({ from, to, window, filters }: ExploreQuery): Query {
  return { ...(from !== undefined && to !== undefined ? { from, to } : { window }), ...filters };
}

/** Returns the length of the period in milliseconds. */
export function lengthOf({ from, to, window }: ExploreQuery): number {
  return from !== undefined && to !== undefined
    ? Date.parse(to) - Date.parse(from)
    : RANGE_MS[window];
}

/** Whether the server can sort by anything but time, which it does for periods of up to a week. */
export function canOrder(query: ExploreQuery): boolean {
  return lengthOf(query) <= RANGE_MS['7d'];
}

function isRange(from: string, to: string): boolean {
  return Date.parse(from) < Date.parse(to);
}

/** The router parses `?q=2026` as a number and `?q=true` as a boolean. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // The server rejects NUL.
  return typeof value === 'string' && value !== '' && !value.includes('\0') ? value : undefined;
}
