import { useState } from 'react';
import { TextField } from '@/components/ui/field';
import { Notice } from '@/components/ui/notice';
import { PageLink } from '@/components/ui/page-link';
import { useResetPassword } from '@/features/sign-in/api/use-sign-in';
import { Card, CardForm, LARGE, OutcomeCard } from '@/features/sign-in/components/card';
import { IncompleteLink } from '@/features/sign-in/components/incomplete-link';
import { describeFailure } from '@/features/sign-in/model/describe';
import { PASSWORD_MIN, problemWithPassword } from '@/lib/password';
import { useWait } from '@/lib/use-wait';

/** Sets a new password with the token of a link, which is in the fragment of the address. */
export function ResetPassword({ token }: { token: string }) {
  const [password, setPassword] = useState('');
  const [isShown, setShown] = useState(false);
  const reset = useResetPassword();
  const waitSeconds = useWait(reset.error);
  if (token === '') return <IncompleteLink />;
  const problem = problemWithPassword(password);
  const submit = () => {
    setShown(true);
    if (problem === null) reset.mutate({ token, password });
  };
  if (reset.isSuccess) {
    return (
      <OutcomeCard title="Set a new password" link="Sign in with the new password">
        <Notice tone="good">Your password is changed, and all your sessions have ended.</Notice>
      </OutcomeCard>
    );
  }
  return (
    <Card title="Set a new password">
      <CardForm
        label="Set a new password"
        action="Set password"
        pending="Saving…"
        isPending={reset.isPending}
        waitSeconds={waitSeconds}
        failure={reset.error === null ? null : describeFailure(reset.error)}
        onSubmit={submit}
      >
        <TextField
          label="New password"
          type="password"
          name="password"
          autoComplete="new-password"
          autoFocus
          hint={`At least ${PASSWORD_MIN} characters.`}
          inputClassName={LARGE}
          error={isShown && problem}
          value={password}
          onChange={setPassword}
        />
      </CardForm>
      {reset.error !== null && (
        <p className="text-sm">
          <PageLink to="/forgot-password">Get another link</PageLink>
        </p>
      )}
    </Card>
  );
}
