import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { paths } from '@/config/paths';
import type { Alert, AlertPage } from '@/api/wire';
import { mergeAlerts } from '@/features/alerts/model/merge-alerts';
import { getJson } from '@/lib/api-client';

/** What the list of alerts is asked for begins with it, so that a change made anywhere refreshes all of them. */
export const ALERTS_KEY = ['alerts'];

/** As many as the server gives at once; more than these nobody reads in one list. */
const OPEN_SHOWN = 200;
/** The socket brings changes at once; asking again now and then heals what a lost connection missed. */
const REFRESH_EVERY_MS = 15_000;

/** Every open alert, from the store and from the socket. */
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
  /** There are more than these. */
  const isCut = data?.next_cursor != null;
  return { alerts, isCut, error, isPending, refetch };
}
