import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { paths } from '@/config/paths';
import type { Alert, AlertPage } from '@/api/wire';
import { mergeAlerts } from '@/features/alerts/model/merge-alerts';
import { getJson } from '@/lib/api-client';

/** The prefix of every alert query, so that one invalidation refreshes all of them. */
export const ALERTS_KEY = ['alerts'];

/** The server's limit for a page. */
const OPEN_SHOWN = 200;
/** Changes arrive over the socket; refetching recovers what a lost connection missed. */
const REFRESH_EVERY_MS = 15_000;

/** The open alerts, from the API and the socket. */
export function useOpenAlerts(pushed: readonly Alert[]) {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: [...ALERTS_KEY, 'open'],
    queryFn: ({ signal }) =>
      getJson<AlertPage>(paths.alerts, { state: 'open', limit: OPEN_SHOWN }, signal),
    refetchInterval: REFRESH_EVERY_MS,
  });
  const alerts = useMemo(
    () => mergeAlerts(data?.items ?? [], pushed).filter(({ state }) => state === 'open'),
    [data, pushed],
  );
  /** Whether there are more open alerts than these. */
  const isCut = data?.next_cursor != null;
  return { alerts, isCut, error, isPending, refetch };
}
