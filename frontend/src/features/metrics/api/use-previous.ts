import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { BreakdownAnswer, KeyedTally, MetricsSnapshot, Tally } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import { filterOf, type View, type WindowKey } from '@/lib/view';

/** How often the previous period moves on. A comparison that changes with every frame is unreadable. */
const MOVES_EVERY_MS: Record<WindowKey, number> = {
  '60s': 10_000,
  '5m': 20_000,
  '1h': 60_000,
  '24h': 300_000,
  '7d': 1_800_000,
};

/** The figures of the previous period, which has the same length. */
export interface Previous {
  overall: Tally;
  products: KeyedTally[];
}

/**
 * The figures of the previous period; null while unknown or unavailable.
 *
 * Based on the server's clock, since this device's may be wrong.
 */
export function usePrevious(view: View, window: MetricsSnapshot['window'] | undefined) {
  const every = MOVES_EVERY_MS[view.window];
  const end = window === undefined ? 0 : Math.floor(Date.parse(window.from) / every) * every;
  const seconds = window?.seconds ?? 0;
  const { data } = useQuery({
    queryKey: ['metrics', 'previous', filterOf(view), seconds, end],
    queryFn: ({ signal }) => getPrevious(view, { end, seconds }, signal),
    enabled: window !== undefined,
    placeholderData: keepPreviousData,
    gcTime: 30_000,
    retry: false,
  });
  return data ?? null;
}

async function getPrevious(
  view: View,
  { end, seconds }: { end: number; seconds: number },
  signal: AbortSignal,
): Promise<Previous> {
  const query = {
    from: new Date(end - seconds * 1_000).toISOString(),
    to: new Date(end).toISOString(),
    ...filterOf(view),
  };
  const [overall, products] = await Promise.all([
    getJson<Tally>(paths.metrics('overall'), query, signal),
    getJson<BreakdownAnswer>(paths.metrics('products'), query, signal),
  ]);
  return { overall, products: products.items };
}
