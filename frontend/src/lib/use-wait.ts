import { ApiError } from '@/lib/api-client';
import { useNow } from '@/lib/use-now';

/** Returns for how many seconds the server refuses to try again what failed with this error; 0 if it does not. */
export function useWait(error: Error | null): number {
  const retryAt = error instanceof ApiError ? error.retryAt : null;
  const now = useNow(250);
  return retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1_000));
}
