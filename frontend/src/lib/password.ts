/** The server's limits, in characters. */
export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 1_024;

/** Says what the server would reject about a new password; null if it accepts it. */
export function problemWithPassword(password: string): string | null {
  if (password === '') return 'Enter a password.';
  const n = [...password].length;
  if (n < PASSWORD_MIN) return `Use at least ${PASSWORD_MIN} characters.`;
  return n > PASSWORD_MAX ? `Use at most ${PASSWORD_MAX} characters.` : null;
}

/** Says what is wrong with the form of an email address; null if nothing is. Whether it exists shows when mail arrives. */
export function problemWithEmail(email: string): string | null {
  return /^[^\s@]+@[^\s@]+$/.test(email.trim()) ? null : 'Enter an email address.';
}
