import type { Me } from '@/api/identity';
import { useAcceptInvitation } from '@/features/sign-in/api/use-sign-in';
import { Card, CardForm, OutcomeCard } from '@/features/sign-in/components/card';
import { IncompleteLink } from '@/features/sign-in/components/incomplete-link';
import { NewAccountFields, useNewAccount } from '@/features/sign-in/components/new-account';
import { describeFailure } from '@/features/sign-in/model/describe';
import { useWait } from '@/lib/use-wait';

interface InvitationProps {
  /** The token of the link, from the fragment of the address. */
  token: string;
  onSignedIn: (me: Me) => void;
}

/** Creates the account that somebody was invited to. */
export function Invitation({ token, onSignedIn }: InvitationProps) {
  const account = useNewAccount();
  const accept = useAcceptInvitation(onSignedIn);
  const waitSeconds = useWait(accept.error);
  if (token === '') return <IncompleteLink />;
  const submit = () => {
    const read = account.read();
    if (read !== null) accept.mutate({ token, ...read });
  };
  if (accept.data === null) {
    return <OutcomeCard title="Your account is created" link="Sign in" />;
  }
  return (
    <Card
      title="Create your account"
      note="You were invited to Groundswell. Choose a password; you sign in with the address to which the invitation was sent."
    >
      <CardForm
        label="Create your account"
        action="Create account"
        pending="Creating…"
        isPending={accept.isPending}
        waitSeconds={waitSeconds}
        failure={accept.error === null ? null : describeFailure(accept.error)}
        onSubmit={submit}
      >
        <NewAccountFields account={account} />
      </CardForm>
    </Card>
  );
}
