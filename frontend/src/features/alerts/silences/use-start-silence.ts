import { useMutation } from '@tanstack/react-query';
import { useRef } from 'react';
import type { Alert } from '@/api/wire';
import { SILENCES } from '@/features/alerts/api/resources';
import { checkKey } from '@/features/alerts/api/known-keys';
import { useRefresh } from '@/features/alerts/api/use-resource';
import type { NewSilence, Silence } from '@/features/alerts/api/wire';
import { actOnEach } from '@/features/alerts/model/act-on-each';
import {
  readSilence,
  silencesOf,
  targetOf,
  type SilenceDraft,
} from '@/features/alerts/silences/draft';
import { sendJson } from '@/lib/api-client';

/** Stores the silence of a form. It ends the chosen duration after it is submitted, however long the form was open. */
export function useStartSilence() {
  const refresh = useRefresh(SILENCES);
  return useMutation({
    mutationFn: async (draft: SilenceDraft) => {
      const { value } = readSilence(draft, Date.now());
      await checkKey(value, draft.confirmedKey, 'key');
      return sendJson<Silence>('POST', SILENCES.all, value);
    },
    onSuccess: refresh,
  });
}

interface Silencing {
  alerts: readonly Alert[];
  seconds: number;
}

/**
 * Silences alerts at once, each by its rule in its scope.
 *
 * After a partial failure, a retry with the same duration sends only the silences that failed, until `reset`.
 */
export function useSilenceAlerts() {
  const refresh = useRefresh(SILENCES);
  const stored = useRef(new Set<string>());
  const save = useMutation({
    mutationFn: ({ alerts, seconds }: Silencing) => {
      const nameOf = (silence: NewSilence) => `${seconds} ${targetOf(silence)}`;
      const missing = silencesOf(alerts, seconds, Date.now()).filter(
        (silence) => !stored.current.has(nameOf(silence)),
      );
      return actOnEach(missing, async (silence) => {
        await sendJson<Silence>('POST', SILENCES.all, silence);
        stored.current.add(nameOf(silence));
      });
    },
    onSuccess: () => stored.current.clear(),
    onSettled: refresh,
  });
  const reset = () => {
    stored.current.clear();
    save.reset();
  };
  return { ...save, reset };
}
