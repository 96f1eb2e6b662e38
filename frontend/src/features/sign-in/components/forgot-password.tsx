import { useState } from 'react';
import { TextField } from '@/components/ui/field';
import { Notice } from '@/components/ui/notice';
import { PageLink } from '@/components/ui/page-link';
import { useForgotPassword } from '@/features/sign-in/api/use-sign-in';
import { Card, CardForm, LARGE } from '@/features/sign-in/components/card';
import { describeFailure } from '@/features/sign-in/model/describe';
import { problemWithEmail } from '@/lib/password';
import { useWait } from '@/lib/use-wait';

/** Has a link to set a new password mailed. */
export function ForgotPassword() {
  const [email, setEmail] = useState('');
  const [isShown, setShown] = useState(false);
  const forgot = useForgotPassword();
  const waitSeconds = useWait(forgot.error);
  const problem = problemWithEmail(email);
  const submit = () => {
    setShown(true);
    if (problem === null) forgot.mutate(email.trim());
  };
  return (
    <Card
      title="Forgot your password?"
      note="Enter your email address to get a link that sets a new password."
    >
      {forgot.isSuccess ? (
        <Notice tone="good">
          If {forgot.variables} has an account, a link is on its way. It is valid for a short time
          and once. Without a mail server, ask an admin for a link.
        </Notice>
      ) : (
        <CardForm
          label="Forgot your password?"
          action="Send link"
          pending="Sending…"
          isPending={forgot.isPending}
          waitSeconds={waitSeconds}
          failure={forgot.error === null ? null : describeFailure(forgot.error)}
          onSubmit={submit}
        >
          <TextField
            label="Email address"
            type="email"
            name="email"
            autoComplete="username"
            autoFocus
            inputClassName={LARGE}
            error={isShown && problem}
            value={email}
            onChange={setEmail}
          />
        </CardForm>
      )}
      <p className="text-sm">
        <PageLink to="/sign-in">Back to sign in</PageLink>
      </p>
    </Card>
  );
}
