import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { SystemStatus, TierStatus } from '@/api/wire';
import { paths } from '@/config/paths';
import { SYSTEM_KEY } from '@/features/pipeline/api/use-system';
import { describeSwaps } from '@/features/pipeline/model/tiers';
import { getJson, postJson } from '@/lib/api-client';

/** Has the server read its model files again; tells what that swapped, in sentences. */
export function useReloadModels(inUse: readonly TierStatus[]) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      await postJson<unknown>(paths.reloadModels);
      const system = await getJson<SystemStatus>(paths.system, {}, new AbortController().signal);
      client.setQueryData(SYSTEM_KEY, system);
      return describeSwaps(inUse, system.tiers?.items ?? []);
    },
  });
}
