import { useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { SetUp } from '@/features/sign-in/components/set-up';

/** Creates the first account. */
export function SetUpPage() {
  const { history } = useRouter();
  useEffect(() => {
    document.title = 'Create the first account · Groundswell';
  }, []);
  return <SetUp onSignedIn={() => history.replace('/')} />;
}
