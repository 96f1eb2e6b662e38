import { useEffect } from 'react';
import { ForgotPassword } from '@/features/sign-in/components/forgot-password';

/** Has a link to set a new password mailed. */
export function ForgotPasswordPage() {
  useEffect(() => {
    document.title = 'Forgot your password? · Groundswell';
  }, []);
  return <ForgotPassword />;
}
