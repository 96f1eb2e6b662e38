import { useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useFragment } from '@/app/use-fragment';
import { Invitation } from '@/features/sign-in/components/invitation';

/** The page of invitations. */
export function InvitationPage() {
  const token = useFragment();
  const { history } = useRouter();
  useEffect(() => {
    document.title = 'Create your account · Groundswell';
  }, []);
  return <Invitation key={token} token={token} onSignedIn={() => history.replace('/')} />;
}
