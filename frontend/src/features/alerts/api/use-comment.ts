import { useMutation, useQueryClient } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import { ALERTS_KEY } from '@/features/alerts/api/use-open-alerts';
import type { AlertMoment } from '@/features/alerts/api/wire';
import { sendJson } from '@/lib/api-client';

/** Adds a comment to an alert. */
export function useComment(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (text: string) => sendJson<AlertMoment>('POST', paths.commentOnAlert(id), { text }),
    onSuccess: () => client.invalidateQueries({ queryKey: ALERTS_KEY }),
  });
}
