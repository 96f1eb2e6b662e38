import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Alert } from '@/api/wire';
import { paths } from '@/config/paths';
import { WORK_NAMES_KEY } from '@/config/query-keys';
import { putAlert } from '@/features/alerts/api/cached-alerts';
import { ALERTS_KEY } from '@/features/alerts/api/use-open-alerts';
import { actOnEach } from '@/features/alerts/model/act-on-each';
import { sendJson } from '@/lib/api-client';

interface Assigned {
  id: string;
  /** Null for nobody. */
  assignee: string | null;
}

interface Assignment {
  to: readonly Assigned[];
  /** What takes it back; nothing after that. */
  undo?: readonly Assigned[];
}

/** Assigns alerts to people. */
export function useAssign() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ to }: Assignment) =>
      actOnEach(to, async ({ id, assignee }) => {
        putAlert(client, await sendJson<Alert>('PUT', paths.assignAlert(id), { assignee }));
      }),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: WORK_NAMES_KEY });
      return client.invalidateQueries({ queryKey: ALERTS_KEY });
    },
  });
}
