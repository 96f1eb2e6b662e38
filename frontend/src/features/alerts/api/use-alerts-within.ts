import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Alert, AlertPage } from '@/api/wire';
import { paths } from '@/config/paths';
import { ALERTS_KEY } from '@/features/alerts/api/use-open-alerts';
import { mergeAlerts } from '@/features/alerts/model/merge-alerts';
import { getJson } from '@/lib/api-client';
import { coarsePeriod } from '@/lib/coarse';

/** More do not fit on a chart. */
const SHOWN_MAX = 100;
const REFRESH_EVERY_MS = 30_000;

/** The alerts that opened in a period, open or resolved, newest first. */
export function useAlertsWithin(period: { from: string; to: string }, pushed: readonly Alert[]) {
  const asked = { ...coarsePeriod(period), limit: SHOWN_MAX };
  const { data } = useQuery({
    queryKey: [...ALERTS_KEY, 'within', asked],
    queryFn: ({ signal }) => getJson<AlertPage>(paths.alerts, asked, signal),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_EVERY_MS,
  });
  const { from, to } = period;
  return useMemo(
    () =>
      mergeAlerts(data?.items ?? [], pushed).filter(({ opened_at }) => {
        const at = Date.parse(opened_at);
        return at >= Date.parse(from) && at < Date.parse(to);
      }),
    [data, pushed, from, to],
  );
}
