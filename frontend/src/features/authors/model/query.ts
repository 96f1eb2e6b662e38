import type { AuthorKey } from '@/lib/post';
import { localZone } from '@/lib/zone';

export const WINDOWS = ['24h', '7d', '30d', '90d'] as const;
export type AuthorWindow = (typeof WINDOWS)[number];

export const WINDOW_NAMES: Record<AuthorWindow, string> = {
  '24h': 'last 24 hours',
  '7d': 'last 7 days',
  '30d': 'last 30 days',
  '90d': 'last 90 days',
};

/** The state of the author page, all of it in the URL. */
export interface AuthorQuery extends AuthorKey {
  window: AuthorWindow;
  /** The post that is open. */
  post?: string;
}

/** Parses search parameters; null if they name no author. */
export function parseAuthor(search: Record<string, unknown>): AuthorQuery | null {
  const text = (key: string) => {
    const value = search[key];
    // The server rejects NUL.
    return typeof value === 'string' && value !== '' && !value.includes('\0') ? value : undefined;
  };
  const [platform, author, post] = [text('platform'), text('author'), text('post')];
  if (platform === undefined || author === undefined) return null;
  const window = WINDOWS.find((known) => known === search['window']) ?? '30d';
  return { platform, author, window, ...(post !== undefined && { post }) };
}

export function authorToSearch({ platform, author, window, post }: AuthorQuery) {
  return {
    ...{ platform, author },
    ...(window !== '30d' && { window }),
    ...(post !== undefined && { post }),
  };
}

/** The Explore search parameters for the posts of an author in this period. */
export function exploreSearch(
  { platform, author, window }: AuthorQuery,
  more: Record<string, string> = {},
): Record<string, string> {
  return { ...{ platform, author, window }, ...more };
}

/** The API parameters. */
export function toApi({ window }: AuthorQuery) {
  return { window, tz: localZone() === 'UTC' ? undefined : localZone() };
}
