import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { BreakdownAnswer, KeyedTally, MetricsSnapshot, Tally } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import { filterOf, type View } from '@/lib/view';

/** The width of the server's buckets, of which windows are made. */
const BUCKET_MS = 10_000;

/** The figures of the previous period, which has the same length. */
export interface Previous {
  overall: Tally;
  products: KeyedTally[];
}

/**
 * The figures of the period that ends where the window begins and is as long; null while unknown or unavailable.
 *
 * Based on the server's clock, since this device's may be wrong. Windows move by whole buckets, so this asks once per
 * bucket, however often the window's figures arrive.
 */
export function usePrevious(view: View, window: MetricsSnapshot['window'] | undefined) {
  const end = window === undefined ? 0 : toBucket(Date.parse(window.from));
  const length = toBucket((window?.seconds ?? 0) * 1_000);
  const { data } = useQuery({
    queryKey: ['metrics', 'previous', filterOf(view), length, end],
    queryFn: ({ signal }) => getPrevious(view, { end, length }, signal),
    enabled: window !== undefined,
    placeholderData: keepPreviousData,
    gcTime: 30_000,
    retry: false,
  });
  return data ?? null;
}

function toBucket(ms: number): number {
  return Math.floor(ms / BUCKET_MS) * BUCKET_MS;
}

async function getPrevious(
  view: View,
  { end, length }: { end: number; length: number },
  signal: AbortSignal,
): Promise<Previous> {
  const query = {
    from: new Date(end - length).toISOString(),
    to: new Date(end).toISOString(),
    ...filterOf(view),
  };
  const [overall, products] = await Promise.all([
    getJson<Tally>(paths.metrics('overall'), query, signal),
    // Not filtered by itself, like the breakdown that it is compared with.
    getJson<BreakdownAnswer>(paths.metrics('products'), { ...query, product: undefined }, signal),
  ]);
  return { overall, products: products.items };
}
