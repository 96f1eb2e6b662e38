import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import type { AlertPage } from '@/api/wire';
import type { AlertDetails } from '@/features/alerts/api/wire';
import { ALERTS_KEY } from '@/features/alerts/api/use-open-alerts';
import { getJson } from '@/lib/api-client';

const PAGE_LENGTH = 25;

/** An open alert can change while its details are shown. */
const REFRESH_EVERY_MS = 15_000;

export interface AlertFilter {
  state?: string | undefined;
  rule?: string | undefined;
}

/** All alerts, newest first, a page at a time. */
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

/** One alert with its evidence and history. */
export function useAlert(id: string) {
  return useQuery({
    queryKey: [...ALERTS_KEY, 'one', id],
    queryFn: ({ signal }) => getJson<AlertDetails>(paths.alert(id), {}, signal),
    refetchInterval: REFRESH_EVERY_MS,
  });
}
