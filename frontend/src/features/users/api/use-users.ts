import { useMutation, useQueryClient } from '@tanstack/react-query';
import type {
  CreatedInvitation,
  CreatedReset,
  Invitation,
  NewInvitation,
  User,
  UserChange,
} from '@/api/identity';
import { paths } from '@/config/paths';
import { ME_KEY } from '@/config/query-keys';
import { sendJson } from '@/lib/api-client';
import { usePages } from '@/lib/use-pages';

const USERS_KEY = ['users'];
const INVITATIONS_KEY = ['invitations'];

/** The accounts, newest first. */
export function useUsers() {
  return usePages<User>(USERS_KEY, paths.users);
}

/** Changes an account. */
export function useChangeUser(id: string) {
  return useChange(USERS_KEY, (change: UserChange) =>
    sendJson<User>('PATCH', paths.user(id), change),
  );
}

/** Archives an account. */
export function useArchiveUser(id: string) {
  return useChange(USERS_KEY, () => sendJson<unknown>('DELETE', paths.user(id)));
}

/** Ends all sessions and tokens of a person. */
export function useSignOutUser(id: string) {
  return useChange(USERS_KEY, () => sendJson<unknown>('POST', paths.signOutUser(id)));
}

/** Creates a link with which a person sets a new password. Only the answer has it. */
export function useResetUser(id: string) {
  return useChange(USERS_KEY, () => sendJson<CreatedReset>('POST', paths.resetPasswordOf(id)));
}

/** The invitations that nobody has accepted yet, newest first. */
export function useInvitations() {
  return usePages<Invitation>(INVITATIONS_KEY, paths.invitations);
}

/** Invites somebody. Only the answer has the secret of the link. */
export function useInvite() {
  return useChange(INVITATIONS_KEY, (invitation: NewInvitation) =>
    sendJson<CreatedInvitation>('POST', paths.invitations, invitation),
  );
}

/** Revokes an invitation. */
export function useRevokeInvitation() {
  return useChange(INVITATIONS_KEY, (id: string) =>
    sendJson<unknown>('DELETE', paths.invitation(id)),
  );
}

/** Somebody may have changed their own account. */
function useChange<Sent, Answer>(
  queryKey: readonly string[],
  mutationFn: (sent: Sent) => Promise<Answer>,
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () =>
      Promise.all([queryKey, ME_KEY].map((key) => client.invalidateQueries({ queryKey: key }))),
  });
}
