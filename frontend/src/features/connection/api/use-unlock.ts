import { useMutation, useQueryClient } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import { access } from '@/lib/access';
import { ApiError } from '@/lib/api-client';

/** Checks a token with the server and keeps it if it is valid. */
export function useUnlock(onAccepted: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (token: string) => {
      const headers = { accept: 'application/json', authorization: `Bearer ${token}` };
      const response = await fetch(paths.system, { headers }).catch(() => null);
      if (response === null) throw new ApiError(0, 'unreachable', 'The server is not responding.');
      if (response.status === 401) {
        throw new ApiError(401, 'unauthorized', 'This token is not valid.');
      }
      access.unlock(token);
    },
    onSuccess: () => {
      onAccepted();
      // What is on the page stays, with what somebody typed into it.
      return client.invalidateQueries();
    },
  });
}
