import { useState } from 'react';
import type { Me } from '@/api/identity';
import { TextField } from '@/components/ui/field';
import { PageLink } from '@/components/ui/page-link';
import { useSignIn } from '@/features/sign-in/api/use-sign-in';
import { CardForm, LARGE } from '@/features/sign-in/components/card';
import { describeSignInFailure } from '@/features/sign-in/model/describe';
import { problemWithEmail } from '@/lib/password';
import { useWait } from '@/lib/use-wait';

interface SignInFormProps {
  /** The address of the person whose session has ended. */
  knownEmail?: string | undefined;
  onSignedIn: (me: Me) => void;
}

/** Asks for the email address and the password. */
export function SignInForm({ knownEmail = '', onSignedIn }: SignInFormProps) {
  const [email, setEmail] = useState(knownEmail);
  const [password, setPassword] = useState('');
  const [isShown, setShown] = useState(false);
  const signIn = useSignIn(onSignedIn);
  const waitSeconds = useWait(signIn.error);
  const emailProblem = problemWithEmail(email);
  const passwordProblem = password === '' ? 'Enter your password.' : null;
  const submit = () => {
    setShown(true);
    if (emailProblem !== null || passwordProblem !== null) return;
    signIn.mutate({ email: email.trim(), password });
  };
  return (
    <CardForm
      label="Sign in"
      action="Sign in"
      pending="Signing in…"
      isPending={signIn.isPending}
      waitSeconds={waitSeconds}
      failure={signIn.error === null ? null : describeSignInFailure(signIn.error)}
      onSubmit={submit}
    >
      <TextField
        label="Email address"
        type="email"
        name="email"
        autoComplete="username"
        autoFocus={knownEmail === ''}
        inputClassName={LARGE}
        error={isShown && emailProblem}
        value={email}
        onChange={setEmail}
      />
      <TextField
        label="Password"
        type="password"
        name="password"
        autoComplete="current-password"
        autoFocus={knownEmail !== ''}
        inputClassName={LARGE}
        error={isShown && passwordProblem}
        value={password}
        onChange={setPassword}
      />
      <p className="-mt-2 text-sm">
        <PageLink to="/forgot-password">Forgot your password?</PageLink>
      </p>
    </CardForm>
  );
}
