import { useState } from 'react';
import type { Me } from '@/api/identity';
import { TextField } from '@/components/ui/field';
import { QueryStatus } from '@/components/ui/query-status';
import { useAuthState, useSetUp } from '@/features/sign-in/api/use-sign-in';
import { Card, CardForm, LARGE, OutcomeCard } from '@/features/sign-in/components/card';
import { NewAccountFields, useNewAccount } from '@/features/sign-in/components/new-account';
import { describeFailure } from '@/features/sign-in/model/describe';
import { problemWithEmail } from '@/lib/password';
import { useWait } from '@/lib/use-wait';

/** Creates the first account, an admin's. */
export function SetUp({ onSignedIn }: { onSignedIn: (me: Me) => void }) {
  const state = useAuthState();
  if (state.data?.setup_required === false) {
    return (
      <OutcomeCard
        title="Groundswell is set up"
        note="There are accounts already. Ask an admin to invite you."
      />
    );
  }
  return (
    <Card
      title="Create the first account"
      note="You become the admin. After that, everyone has to sign in."
    >
      <QueryStatus query={state} what="set-up" rows={4} />
      {state.data !== undefined && <SetUpForm onSignedIn={onSignedIn} />}
    </Card>
  );
}

function SetUpForm({ onSignedIn }: { onSignedIn: (me: Me) => void }) {
  const [code, setCode] = useState('');
  const [email, setEmail] = useState('');
  const account = useNewAccount();
  const setUp = useSetUp(onSignedIn);
  const waitSeconds = useWait(setUp.error);
  const problems = {
    code: code.trim() === '' ? 'Enter the code from the server’s log.' : null,
    email: problemWithEmail(email),
  };
  const submit = () => {
    const read = account.read();
    if (read === null || problems.code !== null || problems.email !== null) return;
    setUp.mutate({ code: code.trim(), email: email.trim(), ...read });
  };
  return (
    <CardForm
      label="Create the first account"
      action="Create account"
      pending="Creating…"
      isPending={setUp.isPending}
      waitSeconds={waitSeconds}
      failure={setUp.error === null ? null : describeFailure(setUp.error)}
      onSubmit={submit}
    >
      <TextField
        label="Code"
        hint="The server wrote it to its log when it started."
        autoComplete="off"
        autoFocus
        inputClassName={LARGE}
        error={account.isShown && problems.code}
        value={code}
        onChange={setCode}
      />
      <NewAccountFields account={account}>
        <TextField
          label="Email address"
          type="email"
          name="email"
          autoComplete="username"
          inputClassName={LARGE}
          error={account.isShown && problems.email}
          value={email}
          onChange={setEmail}
        />
      </NewAccountFields>
    </CardForm>
  );
}
