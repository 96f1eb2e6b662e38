import { useEffect } from 'react';
import { useFragment } from '@/app/use-fragment';
import { ResetPassword } from '@/features/sign-in/components/reset-password';

/** The page of links that set a new password. */
export function PasswordResetPage() {
  const token = useFragment();
  useEffect(() => {
    document.title = 'Set a new password · Groundswell';
  }, []);
  return <ResetPassword key={token} token={token} />;
}
