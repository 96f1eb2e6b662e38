import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { NewPassword, Session } from '@/api/identity';
import { paths } from '@/config/paths';
import { getJson, sendJson } from '@/lib/api-client';

const SESSIONS_KEY = ['sessions'];

/** Ends the session of this browser. */
export function useSignOut() {
  return useMutation({ mutationFn: () => sendJson<null>('POST', paths.signOut) });
}

/** Changes the password of the person, whose other sessions then end. */
export function useChangePassword() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (password: NewPassword) => sendJson<null>('POST', paths.password, password),
    onSuccess: () => client.invalidateQueries({ queryKey: SESSIONS_KEY }),
  });
}

/** The sessions of the person, the latest first. */
export function useSessions() {
  return useQuery({
    queryKey: SESSIONS_KEY,
    queryFn: ({ signal }) => getJson<{ items: Session[] }>(paths.sessions, {}, signal),
    select: ({ items }) => items.toSorted((a, b) => (a.last_seen_at < b.last_seen_at ? 1 : -1)),
  });
}

/** Ends sessions, one after the other. */
export function useEndSessions() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (ids: readonly string[]) => {
      for (const id of ids) await sendJson<null>('DELETE', paths.session(id));
    },
    onSettled: () => client.invalidateQueries({ queryKey: SESSIONS_KEY }),
  });
}
