import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { MetricsSnapshot } from '@/api/wire';
import { getFigures, type Figures } from '@/features/metrics/api/get-figures';
import { polled } from '@/lib/polling';
import { filterOf, isSocketView, type View, type WindowKey } from '@/lib/view';

/** Longer windows change more slowly and cost the server more. */
const POLL_EVERY_MS: Record<WindowKey, number> = {
  '60s': 1_000,
  '5m': 2_000,
  '1h': 5_000,
  '24h': 15_000,
  '7d': 60_000,
};

export interface Metrics {
  /** Null until the first figures have arrived. */
  snapshot: Figures | null;
  /** Pushed over the socket, or polled every `everyMs`. */
  origin: { kind: 'socket' } | { kind: 'polled'; everyMs: number };
  error: Error | null;
  /** Whether these are still the previous view's figures while the new ones load. */
  isOutdated: boolean;
}

interface MetricsParams {
  view: View;
  pushed: MetricsSnapshot | null;
  paused: boolean;
}

/** The figures of a view, pushed or polled. */
export function useMetrics({ view, pushed, paused }: MetricsParams): Metrics {
  const fromSocket = isSocketView(view);
  const everyMs = POLL_EVERY_MS[view.window];
  const query = useQuery({
    queryKey: ['metrics', view.window, filterOf(view)],
    queryFn: ({ signal }) => getFigures(view, pushed?.window ?? null, signal),
    enabled: !fromSocket,
    placeholderData: keepPreviousData,
    // While paused, a newly chosen view is still fetched once.
    ...polled({ everyMs, paused }),
  });
  if (fromSocket)
    return { snapshot: pushed, origin: { kind: 'socket' }, error: null, isOutdated: false };
  return {
    snapshot: query.data ?? null,
    origin: { kind: 'polled', everyMs },
    error: query.error,
    isOutdated: query.isPlaceholderData,
  };
}
