import { useQuery } from '@tanstack/react-query';
import type { SystemStatus } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';

const POLL_EVERY_MS = 2_000;

export const SYSTEM_KEY = ['system'];

/** The server's health. Polled as well as pushed, so that it is visible without the socket. */
export function useSystem() {
  return useQuery({
    queryKey: SYSTEM_KEY,
    queryFn: ({ signal }) => getJson<SystemStatus>(paths.system, {}, signal),
    refetchInterval: POLL_EVERY_MS,
  });
}
