import { useQuery } from '@tanstack/react-query';
import type { SystemStatus } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';

/** Health is looked at when something is wrong, and then two seconds are long enough to wait. */
const POLL_EVERY_MS = 2_000;

export const SYSTEM_KEY = ['system'];

/** How the server itself is doing. Asked for although it is pushed: it must also be seen while the socket is away. */
export function useSystem() {
  return useQuery({
    queryKey: SYSTEM_KEY,
    queryFn: ({ signal }) => getJson<SystemStatus>(paths.system, {}, signal),
    refetchInterval: POLL_EVERY_MS,
  });
}
