import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Alert } from '@/api/wire';
import { paths } from '@/config/paths';
import { putAlert } from '@/features/alerts/api/cached-alerts';
import { ALERTS_KEY } from '@/features/alerts/api/use-open-alerts';
import { actOnEach } from '@/features/alerts/model/act-on-each';
import { sendJson } from '@/lib/api-client';

export interface Acknowledgement {
  ids: readonly string[];
  /** Takes the acknowledgement back. */
  undo?: boolean;
}

/** What failed, as a sentence without its full stop. */
export function failureOf(request: Acknowledgement | undefined): string {
  return request?.undo === true
    ? 'The acknowledgement could not be undone'
    : 'The alert could not be acknowledged';
}

/** Acknowledges alerts, or takes that back. An alert stays open until its condition clears. */
export function useAcknowledge() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ ids, undo = false }: Acknowledgement) =>
      actOnEach(ids, async (id) => {
        const method = undo ? 'DELETE' : 'POST';
        putAlert(client, await sendJson<Alert>(method, paths.acknowledgeAlert(id)));
      }),
    onSettled: () => client.invalidateQueries({ queryKey: ALERTS_KEY }),
  });
}
