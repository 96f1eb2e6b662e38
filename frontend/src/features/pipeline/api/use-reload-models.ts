import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReloadAnswer } from '@/api/wire';
import { paths } from '@/config/paths';
import { SYSTEM_KEY } from '@/features/pipeline/api/use-system';
import { postJson } from '@/lib/api-client';

/** Reloads the server's models. If one is invalid, all stay as they are. */
export function useReloadModels() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => postJson<ReloadAnswer>(paths.reloadModels),
    onSuccess: () => client.invalidateQueries({ queryKey: SYSTEM_KEY }),
  });
}
