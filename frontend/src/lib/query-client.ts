import { QueryClient } from '@tanstack/react-query';
import { ApiError } from '@/lib/api-client';

/** One retry hides a hiccup; what the server refuses stays refused. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) =>
        failures < 1 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      refetchOnWindowFocus: false,
    },
  },
});
