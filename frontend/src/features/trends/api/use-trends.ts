import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Trends } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import { polled } from '@/lib/polling';
import type { WindowKey } from '@/lib/view';

/** The server counts terms over three spans; each window uses the next longer one, up to a day. */
const SPANS = {
  '60s': { window: '5m', name: 'last 5 minutes', everyMs: 5_000 },
  '5m': { window: '5m', name: 'last 5 minutes', everyMs: 5_000 },
  '1h': { window: '1h', name: 'last hour', everyMs: 15_000 },
  '24h': { window: '24h', name: 'last 24 hours', everyMs: 60_000 },
  '7d': { window: '24h', name: 'last 24 hours', everyMs: 60_000 },
} as const satisfies Record<WindowKey, unknown>;

const TERMS_SHOWN = 12;

/** The trending terms for a window, and the name of their span. */
export function useTrends(view: WindowKey, paused: boolean) {
  const { window, name, everyMs } = SPANS[view];
  const { data, error, isPending } = useQuery({
    queryKey: ['trends', window],
    queryFn: ({ signal }) => getJson<Trends>(paths.trends, { window, limit: TERMS_SHOWN }, signal),
    ...polled({ everyMs, paused }),
    placeholderData: keepPreviousData,
  });
  return { trends: data ?? null, span: name, error, isPending };
}
