import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Alert, AlertPage } from '@/api/wire';
import { paths } from '@/config/paths';
import { ALERTS_KEY, useOpenAlerts } from '@/features/alerts/api/use-open-alerts';
import { mergeAlerts } from '@/features/alerts/model/merge-alerts';
import { getJson } from '@/lib/api-client';

const ALERTS_SHOWN = 50;

/** Changes arrive over the socket; refetching recovers what a lost connection missed. */
const REFRESH_EVERY_MS = 30_000;

/** The open and the most recent alerts, from the API and the socket, open ones first. */
export function useAlerts(pushed: readonly Alert[]) {
  const { data, error, isPending } = useQuery({
    queryKey: ALERTS_KEY,
    queryFn: ({ signal }) => getJson<AlertPage>(paths.alerts, { limit: ALERTS_SHOWN }, signal),
    refetchInterval: REFRESH_EVERY_MS,
  });
  const open = useOpenAlerts(pushed);
  const alerts = useMemo(
    () => mergeAlerts([...(data?.items ?? []), ...open.alerts], pushed).slice(0, ALERTS_SHOWN),
    [data, open.alerts, pushed],
  );
  /** Whether the open alerts have been loaded. */
  const isKnown = !open.isPending && open.error === null;
  return { alerts, n_open: open.alerts.length, isCut: open.isCut, isKnown, error, isPending };
}
