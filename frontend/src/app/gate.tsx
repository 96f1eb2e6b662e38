import { Navigate, useLocation } from '@tanstack/react-router';
import { liveClient } from '@/app/live-client';
import { PageLink } from '@/components/ui/page-link';
import { QueryStatus } from '@/components/ui/query-status';
import { TokenForm } from '@/features/connection/components/token-form';
import { hasAccounts, useAuthState } from '@/features/sign-in/api/use-sign-in';

/** Replaces every page for somebody without access: leads to the sign-in page, or asks for the operator's token. */
export function Gate() {
  const state = useAuthState();
  const next = useLocation({ select: ({ href }) => href });
  if (state.data === undefined) return <QueryStatus query={state} what="sign-in" rows={3} />;
  if (hasAccounts(state.data)) return <Navigate to="/sign-in" search={{ next }} replace />;
  return (
    <>
      <TokenForm onAccepted={liveClient.retryNow} />
      <p className="mt-3 text-center text-sm">
        <PageLink to="/set-up">Create the first account</PageLink>
      </p>
    </>
  );
}
