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

/** What narrows the page, sums and posts alike; `q` are words to find. */
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

/** Here the empty key asks for the posts that name none. */
const MAY_BE_EMPTY: readonly FilterKey[] = ['product', 'channel', 'city', 'lang', 'author'];

/** The longest text that the server searches for. */
export const SEARCH_CHARACTERS_MAX = 500;

/** What the page shows. All of it lives in the address, by the names that the API has for it. */
export interface ExploreQuery {
  /** Counts back from now; only where `from` and `to` are not given. */
  window: RangeKey;
  from?: string;
  to?: string;
  tz: string;
  step: (typeof STEPS)[number];
  order: Order;
  by: Dimension;
  /** Whether the period before is drawn and counted too. */
  compare: boolean;
  filters: Partial<Record<FilterKey, string>>;
  /** The post that is open. */
  post?: string;
}

/** Reads an address typed or shared by anyone: what makes no sense is left out, never an error. */
export function parseQuery(search: Record<string, unknown>): ExploreQuery {
  const text = (key: string) => textOf(search[key]);
  const pick = <Value extends string>(key: string, among: readonly Value[], fallback: Value) =>
    among.find((value) => value === text(key)) ?? fallback;
  const [from, to, tz, post] = [text('from'), text('to'), text('tz'), text('post')];
  const filters: ExploreQuery['filters'] = {};
  for (const key of FILTERS) {
    const isNone = search[key] === '' && MAY_BE_EMPTY.includes(key);
    const value = isNone ? '' : text(key);
    if (value !== undefined && isMeaningful(key, value)) filters[key] = value;
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

/** Whether the server has an answer for a filter; one that it refuses would leave the page without any figure. */
function isMeaningful(key: FilterKey, value: string): boolean {
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

/** The shortest address that means this. */
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

/** What a filter by any dimension leaves of the query; undefined takes it away. */
export function withFilter(
  query: ExploreQuery,
  key: FilterKey,
  value: string | undefined,
): ExploreQuery {
  const others = Object.entries(query.filters).filter(([name]) => name !== key);
  const filters = Object.fromEntries(value === undefined ? others : [...others, [key, value]]);
  return { ...query, filters };
}

/** Narrowed to a stretch, such as one step of the series; its own steps are chosen anew. */
export function withRange(query: ExploreQuery, from: string, to: string): ExploreQuery {
  return { ...query, from, to, step: 'auto' };
}

/** Back to a stretch that counts back from now. */
export function withWindow(query: ExploreQuery, window: RangeKey): ExploreQuery {
  const next = { ...query, window, step: 'auto' as const };
  delete next.from;
  delete next.to;
  return next;
}

/** What series and breakdowns are asked with. */
export function toSums(query: ExploreQuery): Query {
  const { tz, compare } = query;
  return {
    ...toStretch(query),
    tz: tz === 'UTC' ? undefined : tz,
    compare: compare ? 'previous' : undefined,
  };
}

/** What posts are asked with. */
export function toPosts(query: ExploreQuery): Query {
  const { order } = query;
  return { ...toStretch(query), order: order === 'newest' ? undefined : order };
}

function toStretch({ from, to, window, filters }: ExploreQuery): Query {
  return { ...(from !== undefined && to !== undefined ? { from, to } : { window }), ...filters };
}

/** How long the stretch is, in milliseconds. */
export function lengthOf({ from, to, window }: ExploreQuery): number {
  return from !== undefined && to !== undefined
    ? Date.parse(to) - Date.parse(from)
    : RANGE_MS[window];
}

/** Orders by anything but time sort the whole stretch, which the server does for a week at most. */
export function canOrder(query: ExploreQuery): boolean {
  return lengthOf(query) <= RANGE_MS['7d'];
}

function isRange(from: string, to: string): boolean {
  return Date.parse(from) < Date.parse(to);
}

/** The router reads `?q=2026` as a number, and `?q=true` as a truth. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // No name of anything has a NUL in it, and the server takes none.
  return typeof value === 'string' && value !== '' && !value.includes('\0') ? value : undefined;
}
