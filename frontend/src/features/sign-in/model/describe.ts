import { ApiError, isTemporary } from '@/lib/api-client';
import { capitalize } from '@/lib/format';

/** Says why somebody could not sign in, or could not get or set a password. */
export function describeFailure(error: Error): string {
  if (!(error instanceof ApiError)) return `${capitalize(error.message)}.`;
  if (error.status === 429) return 'Too many attempts. Wait a moment before the next one.';
  if (error.status === 0) return 'The server is not responding. Check your connection.';
  if (isTemporary(error)) return 'The server cannot sign anybody in right now. Try again soon.';
  return `${capitalize(error.message)}.`;
}

/** Says why a sign-in failed. The server does not say which of the two is wrong, so that nobody learns who has an account. */
export function describeSignInFailure(error: Error): string {
  if (error instanceof ApiError && error.status === 401) {
    return 'The email address or the password is wrong.';
  }
  return describeFailure(error);
}
