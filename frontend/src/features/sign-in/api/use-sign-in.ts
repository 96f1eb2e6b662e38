import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type {
  AcceptedInvitation,
  AuthState,
  Credentials,
  Me,
  NewSetup,
  User,
} from '@/api/identity';
import { paths } from '@/config/paths';
import { ME_KEY } from '@/config/query-keys';
import { access } from '@/lib/access';
import { getJson, sendAsStranger } from '@/lib/api-client';

/** What a browser without a session has to do. */
export function useAuthState() {
  return useQuery({
    queryKey: ['auth-state'],
    queryFn: ({ signal }) => getJson<AuthState>(paths.authState, {}, signal),
    staleTime: 0,
    // A retry would wait until the page has the focus, which it is denied while its session is over.
    retry: false,
  });
}

/** Whether people sign in to accounts. Before the first one, only the operator's token gives access. */
export function hasAccounts({ sign_in_required, setup_required }: AuthState): boolean {
  return sign_in_required && !setup_required;
}

/** Signs somebody in. */
export function useSignIn(onSignedIn: OnSignedIn) {
  return useEntry(
    (credentials: Credentials) => sendAsStranger<Me>('POST', paths.signIn, credentials),
    onSignedIn,
  );
}

/** Creates the first account, whose owner is then signed in. */
export function useSetUp(onSignedIn: OnSignedIn) {
  return useEntry((setup: NewSetup) => sendAsStranger<Me>('POST', paths.setUp, setup), onSignedIn);
}

/**
 * Creates the account that an invitation is for, and signs its owner in. Answers with null if only that failed: the invitation
 * is used up, so the person signs in by hand.
 */
export function useAcceptInvitation(onSignedIn: OnSignedIn) {
  return useEntry(async (accepted: AcceptedInvitation) => {
    const { email } = await sendAsStranger<User>('POST', paths.acceptInvitation, accepted);
    const { password } = accepted;
    return sendAsStranger<Me>('POST', paths.signIn, { email, password }).catch(() => null);
  }, onSignedIn);
}

type OnSignedIn = (me: Me) => void;

/** A request that begins a session. `onSignedIn` is called even if the form is gone by then, as the one over a page is. */
function useEntry<Sent, Answer extends Me | null>(
  mutationFn: (sent: Sent) => Promise<Answer>,
  onSignedIn: OnSignedIn,
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: (me) => {
      if (me === null) return;
      access.signIn();
      client.setQueryData(ME_KEY, me);
      onSignedIn(me);
    },
  });
}

/** Has a link to set a new password mailed. The answer is the same whether the address has an account or not. */
export function useForgotPassword() {
  return useMutation({
    mutationFn: (email: string) => sendAsStranger<null>('POST', paths.passwordReset, { email }),
  });
}

/** Sets a new password with the token of such a link. */
export function useResetPassword() {
  return useMutation({
    mutationFn: (reset: { token: string; password: string }) =>
      sendAsStranger<null>('PUT', paths.passwordReset, reset),
  });
}
