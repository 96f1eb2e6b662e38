import { QueryClient } from '@tanstack/react-query';
import { ApiError } from '@/lib/api-client';

/** One retry hides a hiccup; what the server refuses stays refused. */
export const queryClient = new QueryClient({
  defaultOptions: {
    // The server may be on this very machine, which the browser's idea of a network says nothing about.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      retry: (failures, error) =>
        failures < 1 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: false,
    },
  },
});
