import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { paths } from '@/config/paths';
import type { Alert, AlertPage } from '@/api/wire';
import type { AlertDetails } from '@/features/alerts/api/wire';
import { mergeAlerts } from '@/features/alerts/model/merge-alerts';
import { getJson } from '@/lib/api-client';

/** What the list of alerts is asked for begins with it, so that a change made anywhere refreshes all of them. */
export const ALERTS_KEY = ['alerts'];

const OPEN_SHOWN = 200;
const PAGE_LENGTH = 25;
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
  return { alerts, error, isPending, refetch };
}

export interface AlertFilter {
  state?: string | undefined;
  rule?: string | undefined;
}

/** All alerts there ever were, the newest first, a page at a time. */
export function useAlertHistory({ state, rule }: AlertFilter) {
  return useInfiniteQuery({
    queryKey: [...ALERTS_KEY, 'history', { state, rule }],
    queryFn: ({ pageParam, signal }) =>
      getJson<AlertPage>(
        paths.alerts,
        { state, rule, limit: PAGE_LENGTH, cursor: pageParam },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

/** One alert with its evidence and everything that happened to it. */
export function useAlert(id: string) {
  return useQuery({
    queryKey: [...ALERTS_KEY, 'one', id],
    queryFn: ({ signal }) => getJson<AlertDetails>(paths.alert(id), {}, signal),
    refetchInterval: REFRESH_EVERY_MS,
  });
}
