import { useMutation } from '@tanstack/react-query';
import { SILENCES } from '@/features/alerts/api/resources';
import { useRefresh } from '@/features/alerts/api/use-resource';
import type { Silence } from '@/features/alerts/api/wire';
import { readSilence, type SilenceDraft } from '@/features/alerts/silences/draft';
import { sendJson } from '@/lib/api-client';

/** Starts a silence when it is submitted, however long the form was open. */
export function useStartSilence() {
  const refresh = useRefresh(SILENCES);
  return useMutation({
    mutationFn: (draft: SilenceDraft) =>
      sendJson<Silence>('POST', SILENCES.all, readSilence(draft, Date.now())),
    onSuccess: refresh,
  });
}
