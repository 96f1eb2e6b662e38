import type { Post } from '@/api/wire';

/** The threshold for high churn risk, the same as the server's. */
export const HIGH_CHURN = 0.8;

/** Lower values are not worth a badge. */
export const HIGH_TOXICITY = 0.7;

/** Returns the author's handle with one `@`; some platforms include it. */
export function handleOf({ author }: Post): string | undefined {
  return author?.handle ? `@${author.handle.replace(/^@/, '')}` : undefined;
}
