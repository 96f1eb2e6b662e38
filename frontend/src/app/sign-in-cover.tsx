import { focusManager, useQueryClient } from '@tanstack/react-query';
import { Dialog } from 'radix-ui';
import { useEffect, useRef } from 'react';
import type { Me } from '@/api/identity';
import { liveClient } from '@/app/live-client';
import { QueryStatus } from '@/components/ui/query-status';
import { TokenForm } from '@/features/connection/components/token-form';
import { hasAccounts, useAuthState } from '@/features/sign-in/api/use-sign-in';
import { Card } from '@/features/sign-in/components/card';
import { SignInForm } from '@/features/sign-in/components/sign-in-form';

/**
 * The sign-in page over a page whose session has ended. The page stays as it is below, with open forms and what was typed
 * into them.
 */
export function SignInCover({ before }: { before: Me }) {
  const client = useQueryClient();
  const state = useAuthState();
  const opener = useRef<Element | null>(null);
  usePausedQueries();
  const goOn = (now: Me) => {
    // The page below belongs to somebody else.
    if (now.user?.id !== before.user?.id) window.location.reload();
    liveClient.retryNow();
    void client.invalidateQueries();
  };
  return (
    <Dialog.Root open>
      <Dialog.Portal>
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-0 z-50 overflow-y-auto bg-page p-3 outline-none"
          onOpenAutoFocus={() => (opener.current = document.activeElement)}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            if (opener.current instanceof HTMLElement) opener.current.focus();
          }}
          onEscapeKeyDown={(event) => event.preventDefault()}
          onInteractOutside={(event) => event.preventDefault()}
        >
          <Dialog.Title className="sr-only">Your session has ended</Dialog.Title>
          <QueryStatus query={state} what="sign-in" rows={3} />
          {state.data !== undefined && hasAccounts(state.data) && (
            <Card
              title="Sign in"
              note="Your session has ended. Sign in again to go on where you were."
            >
              <SignInForm knownEmail={before.user?.email} onSignedIn={goOn} />
            </Card>
          )}
          {state.data !== undefined && !hasAccounts(state.data) && (
            <TokenForm onAccepted={liveClient.retryNow} />
          )}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** Stops the page below from asking again and again what it is refused. */
function usePausedQueries() {
  useEffect(() => {
    focusManager.setFocused(false);
    return () => focusManager.setFocused(undefined);
  }, []);
}
