import { useRouter, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { Button } from '@/components/ui/button';
import { PageLink } from '@/components/ui/page-link';
import { TokenForm } from '@/features/connection/components/token-form';
import { useAuthState } from '@/features/sign-in/api/use-sign-in';
import { Card } from '@/features/sign-in/components/card';
import { SignInForm } from '@/features/sign-in/components/sign-in-form';
import { readNext } from '@/features/sign-in/model/next';

/** Signs somebody in, and goes on to the page that they asked for. */
export function SignInPage() {
  const { next } = useSearch({ strict: false }) as { next?: unknown };
  const { history } = useRouter();
  const state = useAuthState();
  const [withToken, setWithToken] = useState(false);
  useEffect(() => {
    document.title = 'Sign in · Groundswell';
  }, []);
  const goOn = () => history.replace(readNext(next));
  if (withToken) return <TokenForm onAccepted={goOn} />;
  return (
    <>
      <Card title="Sign in">
        <SignInForm onSignedIn={goOn} />
        {state.data?.setup_required === true && (
          <p className="text-sm">
            Nobody has an account yet. <PageLink to="/set-up">Create the first account</PageLink>
          </p>
        )}
      </Card>
      <p className="mt-3 text-center">
        <Button look="quiet" onClick={() => setWithToken(true)}>
          Use the operator’s token
        </Button>
      </p>
    </>
  );
}
