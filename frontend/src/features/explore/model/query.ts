import {
  DIMENSIONS,
  FILTERS,
  parseFilters,
  textOf,
  withOnly,
  type Dimension,
  type FilterKey,
  type Filters,
} from '@/features/explore/model/filters';
import type { Query } from '@/lib/api-client';
import { isZone, localWeekStart, localZone } from '@/lib/zone';

/** Periods that end now. */
export const ROLLING = ['1h', '24h', '7d', '30d', '90d'] as const;

/** Periods of the calendar; the week and the month so far. */
export const CALENDAR = ['today', 'yesterday', 'week', 'month'] as const;

export const RANGES = [...ROLLING, ...CALENDAR] as const;
export type RangeKey = (typeof RANGES)[number];

export const RANGE_NAMES: Record<RangeKey, string> = {
  '1h': 'last hour',
  '24h': 'last 24 hours',
  '7d': 'last 7 days',
  '30d': 'last 30 days',
  '90d': 'last 90 days',
  today: 'today',
  yesterday: 'yesterday',
  week: 'week to date',
  month: 'month to date',
};

/** The length of a period; of a calendar period, at most. */
const RANGE_MS: Record<RangeKey, number> = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 7 * 86_400_000,
  '30d': 30 * 86_400_000,
  '90d': 90 * 86_400_000,
  today: 25 * 3_600_000,
  yesterday: 25 * 3_600_000,
  week: 7 * 86_400_000,
  month: 31 * 86_400_000,
};

export const STEPS = ['auto', 'minute', 'hour', 'day', 'week'] as const;
export const ORDERS = ['newest', 'virality', 'engagement', 'rising'] as const;
export type Order = (typeof ORDERS)[number];

/** What the period is compared with. */
export type Comparison =
  | { kind: 'none' | 'previous' | 'week' }
  /** The period of the same length that starts at this time. */
  | { kind: 'from'; from: string }
  /** The posts of the same period with another value of a dimension. */
  | { kind: 'value'; by: Dimension; key: string };

/** Whether two periods are compared. */
export function comparesPeriods({ compare }: ExploreQuery): boolean {
  return compare.kind !== 'none' && compare.kind !== 'value';
}

/** The state of the page, all of it in the URL, under the API's names. */
export interface ExploreQuery {
  /** Ends now; used if `from` and `to` are not given. */
  window: RangeKey;
  from?: string;
  to?: string;
  /** The browser's, unless the person has chosen another. */
  tz: string;
  step: (typeof STEPS)[number];
  order: Order;
  by: Dimension;
  compare: Comparison;
  /** Whether the chart shows the breakdown over time instead of all posts. */
  lines: boolean;
  filters: Filters;
  /** The post that is open. */
  post?: string;
}

/** Parses search parameters, ignoring invalid ones. */
export function parseQuery(search: Record<string, unknown>): ExploreQuery {
  const text = (key: string) => textOf([search[key]].flat()[0]) || undefined;
  const pick = <Value extends string>(key: string, among: readonly Value[], fallback: Value) =>
    among.find((value) => value === text(key)) ?? fallback;
  const [from, to, tz, post] = [text('from'), text('to'), text('tz'), text('post')];
  return {
    window: pick('window', RANGES, '24h'),
    ...(from !== undefined && to !== undefined && isRange(from, to) && { from, to }),
    tz: tz !== undefined && isZone(tz) ? tz : localZone(),
    step: pick('step', STEPS, 'auto'),
    order: pick('order', ORDERS, 'newest'),
    by: pick('by', DIMENSIONS, 'product'),
    compare: parseComparison(text),
    lines: text('chart') === 'lines',
    filters: parseFilters(search),
    ...(post !== undefined && { post }),
  };
}

function parseComparison(text: (key: string) => string | undefined): Comparison {
  const [kind, from, by] = [text('compare'), text('compare_from'), text('versus_by')];
  const dimension = DIMENSIONS.find((known) => known === by);
  if (dimension !== undefined) return { kind: 'value', by: dimension, key: text('versus') ?? '' };
  if (from !== undefined && !Number.isNaN(Date.parse(from))) return { kind: 'from', from };
  return { kind: kind === 'none' || kind === 'week' ? kind : 'previous' };
}

/** Returns the shortest equivalent search parameters. */
export function queryToSearch(query: ExploreQuery): Record<string, string | string[]> {
  const plain: [string, string | readonly string[] | undefined, string?][] = [
    ['window', query.from === undefined ? query.window : undefined, '24h'],
    ['from', query.from],
    ['to', query.to],
    ['tz', query.tz, localZone()],
    ['step', query.step, 'auto'],
    ...FILTERS.map((key) => [key, query.filters[key]] as [string, readonly string[] | undefined]),
    ['order', query.order, 'newest'],
    ['by', query.by, 'product'],
    ...comparisonToSearch(query.compare),
    ['chart', query.lines ? 'lines' : undefined],
    ['post', query.post],
  ];
  return Object.fromEntries(
    plain.flatMap(([key, value, usual]) =>
      value === undefined || value === usual ? [] : [[key, shortest(value)]],
    ),
  );
}

function comparisonToSearch(compare: Comparison): [string, string][] {
  switch (compare.kind) {
    case 'previous':
      return [];
    case 'from':
      return [['compare_from', compare.from]];
    case 'value':
      return [
        ['versus_by', compare.by],
        ['versus', compare.key],
      ];
    default:
      return [['compare', compare.kind]];
  }
}

/** A list of one value is that value. */
function shortest(value: string | readonly string[]): string | string[] {
  if (typeof value === 'string') return value;
  return value.length === 1 ? (value[0] ?? '') : [...value];
}

/** Returns the query with only this value of a filter; undefined removes the filter. */
export function withFilter(
  query: ExploreQuery,
  key: FilterKey,
  value: string | undefined,
): ExploreQuery {
  return { ...query, filters: withOnly(query.filters, key, value) };
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
    compare: compare.kind === 'previous' || compare.kind === 'week' ? compare.kind : undefined,
    compare_from: compare.kind === 'from' ? compare.from : undefined,
  };
}

/** The API parameters for posts. */
export function toPosts(query: ExploreQuery): Query {
  const { order } = query;
  return {
    ...toPeriod(query),
    ...(isCalendar(query) && query.tz !== 'UTC' && { tz: query.tz }),
    order: order === 'newest' ? undefined : order,
  };
}

/** From here on, the server chooses weeks as steps. */
const DAYS_MAX_MS = 120 * 86_400_000;

function toPeriod(query: ExploreQuery): Query {
  const { from, to, window, step, filters } = query;
  const start = localWeekStart();
  const hasWeeks = step === 'week' || (step === 'auto' && lengthOf(query) > DAYS_MAX_MS);
  const needsWeek = hasWeeks || (isCalendar(query) && window === 'week');
  return {
    ...(from !== undefined && to !== undefined ? { from, to } : { window }),
    ...(needsWeek && start !== 'monday' && { week_start: start }),
    ...filters,
  };
}

function isCalendar({ from, window }: ExploreQuery): boolean {
  return from === undefined && CALENDAR.some((key) => key === window);
}

/** Returns the query for the other side of a comparison of values, over exactly this period. */
export function toOtherValue(query: ExploreQuery, { from, to }: { from: string; to: string }) {
  const { compare } = query;
  if (compare.kind !== 'value') return null;
  const filters = withOnly(query.filters, compare.by, compare.key);
  return { ...query, from, to, filters, compare: { kind: 'none' as const } };
}

/** Returns the length of the period in milliseconds. */
export function lengthOf({ from, to, window }: ExploreQuery): number {
  return from !== undefined && to !== undefined
    ? Date.parse(to) - Date.parse(from)
    : RANGE_MS[window];
}

/** Whether the server can sort the posts of the period this way. Some orders read the whole period: up to a week. */
export function canOrder(query: ExploreQuery, order: Order = query.order): boolean {
  const isAny = order === 'newest' || order === 'engagement';
  return isAny || lengthOf(query) <= RANGE_MS['7d'];
}

function isRange(from: string, to: string): boolean {
  return Date.parse(from) < Date.parse(to);
}
