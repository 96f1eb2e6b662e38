/** Pages without the dashboard around them, to which nobody returns after signing in. */
export const OUTSIDE_PAGES: readonly string[] = [
  '/sign-in',
  '/forgot-password',
  '/password-reset',
  '/invitation',
  '/set-up',
];

/**
 * Returns where to go after signing in: the page that was asked for, or the first one.
 *
 * An address comes with a link that anybody may have written, so only pages of this dashboard are accepted.
 */
export function readNext(next: unknown, origin = window.location.origin): string {
  if (typeof next !== 'string' || !next.startsWith('/')) return '/';
  const url = URL.canParse(next, origin) ? new URL(next, origin) : null;
  // A path with two slashes would be another site's address.
  if (url?.origin !== origin || url.pathname.startsWith('//')) return '/';
  if (OUTSIDE_PAGES.includes(url.pathname)) return '/';
  return `${url.pathname}${url.search}${url.hash}`;
}
