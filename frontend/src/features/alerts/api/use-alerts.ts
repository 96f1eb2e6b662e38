import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Alert, AlertPage } from '@/api/wire';
import { paths } from '@/config/paths';
import { ALERTS_KEY, useOpenAlerts } from '@/features/alerts/api/use-open-alerts';
import { mergeAlerts } from '@/features/alerts/model/merge-alerts';
import { getJson, postJson } from '@/lib/api-client';

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
  return { alerts, n_open: open.alerts.length, isCut: open.isCut, error, isPending };
}

/** Acknowledges an alert; it stays open until its condition clears. */
export function useAcknowledgeAlert() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => postJson<unknown>(paths.acknowledgeAlert(id)),
    onSuccess: (_, id) => {
      const acknowledged_at = new Date().toISOString();
      client.setQueryData<AlertPage>(ALERTS_KEY, (page) =>
        page === undefined
          ? page
          : {
              ...page,
              items: page.items.map((alert) =>
                alert.id === id ? { ...alert, acknowledged_at } : alert,
              ),
            },
      );
      return client.invalidateQueries({ queryKey: ALERTS_KEY });
    },
  });
}
