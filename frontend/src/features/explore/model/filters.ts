/** The filters of the Explore page, under the API's names: `product` selects values, `product_not` excludes them. */
import { EMOTIONS, SENTIMENTS } from '@/api/wire';

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

/** A filter on the values of a dimension. */
export type KeyFilter = Dimension | `${Dimension}_not`;

/** The filters that have a single value; `q` is a full-text search. */
const PLAIN_FILTERS = ['q', 'min_virality', 'min_churn'] as const;
export type PlainFilter = (typeof PLAIN_FILTERS)[number];

export type FilterKey = KeyFilter | PlainFilter;

export const FILTERS: readonly FilterKey[] = [
  ...DIMENSIONS.flatMap((by) => [by, `${by}_not`] as const),
  ...PLAIN_FILTERS,
];

/** Their values, in the order in which they were chosen. No list is empty. */
export type Filters = Partial<Record<FilterKey, readonly string[]>>;

/** The server's limits. */
export const SEARCH_CHARACTERS_MAX = 500;
export const VALUES_MAX = 20;

/** For these dimensions, the empty value stands for posts without one. */
const MAY_BE_EMPTY: readonly Dimension[] = ['product', 'channel', 'city', 'lang', 'author'];

/** Returns the dimension of a filter, and whether it excludes its values; null for a plain filter. */
export function readKey(key: FilterKey): { by: Dimension; isNot: boolean } | null {
  const by = DIMENSIONS.find((dimension) => key === dimension || key === `${dimension}_not`);
  return by === undefined ? null : { by, isNot: key !== by };
}

/** Parses the filters among search parameters, ignoring invalid values. */
export function parseFilters(search: Record<string, unknown>): Filters {
  const filters: Filters = {};
  for (const key of FILTERS) {
    const known = readKey(key);
    const values = [search[key]]
      .flat()
      .flatMap((value) => textOf(value) ?? [])
      .filter((value) => isValid(key, value));
    const kept = [...new Set(values)].slice(0, known === null ? 1 : VALUES_MAX);
    if (kept.length > 0) filters[key] = kept;
  }
  return filters;
}

/** Whether the server accepts a value; an invalid one would fail every query. */
function isValid(key: FilterKey, value: string): boolean {
  const isWithin = (most: number) => Number(value) >= 0 && Number(value) <= most;
  const known = readKey(key);
  if (value === '') return known !== null && MAY_BE_EMPTY.includes(known.by);
  switch (known?.by ?? key) {
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

/** A search parameter as text; null if it is none. A test may pass `?q=2026` as a number. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // The server rejects NUL.
  return typeof value === 'string' && !value.includes('\0') ? value : null;
}

/** Returns the filters with these values of one filter; without any, the filter is removed. */
export function withValues(filters: Filters, key: FilterKey, values: readonly string[]): Filters {
  const all = Object.entries({ ...filters, [key]: values });
  return Object.fromEntries(all.filter(([, chosen]) => chosen.length > 0));
}

/** Adds a value to a filter, or removes it. */
export function toggleValue(filters: Filters, key: FilterKey, value: string): Filters {
  const values = filters[key] ?? [];
  const isChosen = values.includes(value);
  return withValues(
    filters,
    key,
    isChosen ? values.filter((other) => other !== value) : [...values, value],
  );
}

/** Returns the filters with only this value of a dimension, or with any if it is undefined. */
export function withOnly(filters: Filters, key: FilterKey, value: string | undefined): Filters {
  const only = withValues(filters, key, value === undefined ? [] : [value]);
  const known = readKey(key);
  return known === null || known.isNot ? only : withValues(only, `${known.by}_not`, []);
}
