import type { Post } from '@/api/wire';

/** The threshold for high churn risk, the same as the server's. */
export const HIGH_CHURN = 0.8;

/** Lower values are not worth a badge. */
export const HIGH_TOXICITY = 0.7;

/** The author of a post, as the API identifies one. */
export interface AuthorKey {
  platform: string;
  /** The handle, or the id if no handle is known. */
  author: string;
}

/** Returns who wrote a post; null if that is unknown. */
export function authorOf({
  platform,
  author,
}: Pick<Post, 'platform' | 'author'>): AuthorKey | null {
  const name = author?.handle ?? author?.id;
  return name == null || name === '' ? null : { platform, author: name };
}

/** Returns the author's handle with one `@`; some platforms include it. */
export function handleOf({ author }: Pick<Post, 'author'>): string | undefined {
  return author?.handle ? `@${author.handle.replace(/^@/, '')}` : undefined;
}

/** Post URLs are untrusted: a `javascript:` URL must not become a link. */
export function isWebAddress(url: string | null | undefined): url is string {
  return typeof url === 'string' && /^https?:\/\//i.test(url);
}
