import { MutationCache, QueryClient } from '@tanstack/react-query';
import { ME_KEY } from '@/config/query-keys';
import { ApiError } from '@/lib/api-client';

/** Retries a query once, unless the server rejected the request. */
export const queryClient = new QueryClient({
  mutationCache: new MutationCache({
    // A button was offered whose call is refused, so the person's role has changed.
    onError: (error) => {
      if (error instanceof ApiError && error.status === 403) {
        void queryClient.invalidateQueries({ queryKey: ME_KEY });
      }
    },
  }),
  defaultOptions: {
    // The server may be on this machine, which works offline.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      retry: (failures, error) =>
        failures < 1 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: false,
    },
  },
});
