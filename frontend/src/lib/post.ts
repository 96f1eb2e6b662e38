import type { Post } from '@/api/wire';

/** From here on a post is worth a person's attention; alerts and the server's sums use the same line. */
export const HIGH_CHURN = 0.8;

/** Toxicity below this is noise in a list. */
export const HIGH_TOXICITY = 0.7;

/** Platforms differ in whether the handle they give already begins with `@`. */
export function handleOf({ author }: Post): string | undefined {
  return author?.handle ? `@${author.handle.replace(/^@/, '')}` : undefined;
}
