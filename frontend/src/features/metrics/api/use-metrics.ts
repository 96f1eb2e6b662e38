import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { MetricsSnapshot } from '@/api/wire';
import { getSnapshot } from '@/features/metrics/api/get-snapshot';
import { filterOf, isSocketView, type View, type WindowKey } from '@/lib/view';

/** A longer window changes less from one second to the next, and costs the server more. */
const POLL_EVERY_MS: Record<WindowKey, number> = {
  '60s': 1_000,
  '5m': 2_000,
  '1h': 5_000,
  '24h': 15_000,
  '7d': 60_000,
};

export interface Metrics {
  /** Null until the first figures have arrived. */
  snapshot: MetricsSnapshot | null;
  /** Pushed four times a second, or asked for at `everyMs`. */
  origin: { kind: 'socket' } | { kind: 'polled'; everyMs: number };
  error: Error | null;
  /** These are still the figures of the view before; the new ones are on their way. */
  isOutdated: boolean;
}

interface MetricsParams {
  view: View;
  pushed: MetricsSnapshot | null;
  paused: boolean;
}

/** The figures of a view, from wherever they can be had. */
export function useMetrics({ view, pushed, paused }: MetricsParams): Metrics {
  const fromSocket = isSocketView(view);
  const everyMs = POLL_EVERY_MS[view.window];
  const polled = useQuery({
    queryKey: ['metrics', view.window, filterOf(view)],
    queryFn: ({ signal }) => getSnapshot(view, pushed?.window ?? null, signal),
    enabled: !fromSocket,
    // Paused, a view just chosen is still asked for, once: the figures of the former one would be a lie.
    refetchInterval: paused ? false : everyMs,
    placeholderData: keepPreviousData,
    gcTime: 30_000,
  });
  if (fromSocket)
    return { snapshot: pushed, origin: { kind: 'socket' }, error: null, isOutdated: false };
  return {
    snapshot: polled.data ?? null,
    origin: { kind: 'polled', everyMs },
    error: polled.error,
    isOutdated: polled.isPlaceholderData,
  };
}
