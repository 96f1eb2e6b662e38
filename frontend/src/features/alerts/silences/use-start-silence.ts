import { useMutation, useQueryClient } from '@tanstack/react-query';
import { SILENCES } from '@/features/alerts/api/resources';
import type { Silence } from '@/features/alerts/api/wire';
import { readSilence, type SilenceDraft } from '@/features/alerts/silences/draft';
import { sendJson } from '@/lib/api-client';

/** Begins a silence at the moment it is asked for, however long the form was open. */
export function useStartSilence() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: SilenceDraft) =>
      sendJson<Silence>('POST', SILENCES.all, readSilence(draft, Date.now())),
    onSuccess: () =>
      Promise.all(
        [SILENCES.key, ...(SILENCES.alsoStale ?? [])].map((queryKey) =>
          client.invalidateQueries({ queryKey }),
        ),
      ),
  });
}
