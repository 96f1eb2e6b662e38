import type { NewPassword } from '@/api/identity';
import { problemWithPassword } from '@/lib/password';
import type { Problems } from '@/lib/use-editor';

export interface PasswordDraft {
  current: string;
  next: string;
}

export const NO_PASSWORDS: PasswordDraft = { current: '', next: '' };

/** Converts the draft; `new` is the server's name of the field. */
export function readPasswords({ current, next }: PasswordDraft): {
  value: NewPassword;
  problems: Problems;
} {
  const problems: Problems = {};
  const problem = problemWithPassword(next);
  if (current === '') problems['current'] = 'Enter your current password.';
  if (problem !== null) problems['new'] = problem;
  return { value: { current, new: next }, problems };
}
