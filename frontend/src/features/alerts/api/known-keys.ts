import { useQuery } from '@tanstack/react-query';
import type { BreakdownAnswer, OverallAnswer } from '@/api/wire';
import { paths } from '@/config/paths';
import { ApiError, getJson } from '@/lib/api-client';

/** Posts are kept this long by default. */
const DAYS_SEARCHED = 90;
const DAY_MS = 86_400_000;

/** The code of an error that a person can overrule. */
export const UNKNOWN_KEY = 'unknown_key';

const PANELS = {
  product: 'products',
  platform: 'platforms',
  channel: 'channels',
  city: 'geo',
} as const;

function panelOf(dimension: string | undefined) {
  const known = Object.entries(PANELS).find(([name]) => name === dimension);
  return known?.[1];
}

interface KeyScope {
  dimension?: string | null | undefined;
  key?: string | null | undefined;
}

/**
 * Rejects a product, platform, channel or city that no post has named, which is usually a typing error; the error belongs to
 * `field`. A key that the person confirmed passes, and so does every key if the server cannot count.
 */
export async function checkKey(
  { dimension, key }: KeyScope,
  confirmed: string,
  field: string,
): Promise<void> {
  if (!dimension || !key || key === confirmed || panelOf(dimension) === undefined) return;
  const now = Date.now();
  const range = {
    from: new Date(now - DAYS_SEARCHED * DAY_MS).toISOString(),
    to: new Date(now).toISOString(),
  };
  const query = { ...range, [dimension]: key };
  const counted = await getJson<OverallAnswer>(
    paths.metrics('overall'),
    query,
    new AbortController().signal,
  ).catch(() => null);
  if (counted === null || counted.count > 0) return;
  const message = `no posts for the ${dimension} “${key}” in the last ${DAYS_SEARCHED} days; check the spelling, or tick the box below to use it anyway`;
  throw new ApiError(422, UNKNOWN_KEY, message, { field });
}

export function isUnknownKey(error: Error | null): boolean {
  return error instanceof ApiError && error.code === UNKNOWN_KEY;
}

/** The keys of a dimension with posts in the last week, to choose from while typing. */
export function useKnownKeys(dimension: string): string[] {
  const panel = panelOf(dimension);
  const { data } = useQuery({
    queryKey: ['known-keys', panel],
    queryFn: ({ signal }) =>
      getJson<BreakdownAnswer>(paths.metrics(panel ?? 'products'), { window: '7d' }, signal),
    enabled: panel !== undefined,
    staleTime: 300_000,
  });
  return data?.items.map(({ key }) => key).filter((key) => key !== '') ?? [];
}
