import type { Peak } from '@/api/wire';
import type { Explanation } from '@/features/explain/api/use-explanation';
import { formatCount, formatPosts, formatShare } from '@/lib/format';

/** `1,840 posts, expected 210` or `68% negative, expected 21%`. */
export function describePeak({ metric, value, expected }: Peak): string {
  return metric === 'volume'
    ? `${formatPosts(value)}, expected ${formatCount(Math.round(expected))}`
    : `${formatShare(value, 1)} negative, expected ${formatShare(expected, 1)}`;
}

/** Says how many posts terms, copies and authors were counted in, and why Explore may count more. */
export function describeRead({ read, sample }: Explanation): string {
  if (read.sampled) {
    const percent = Math.max(1, Math.round(read.error * 100));
    return `Terms, copies and authors are counted in ${formatPosts(read.posts)} spread evenly over ${formatCount(read.of)}; shares may be off by ±${percent}%. Explore counts all of them.`;
  }
  const counted = `Terms, copies and authors are counted in all ${formatPosts(read.posts)}.`;
  return sample ? `${counted} The number of posts is an estimate.` : counted;
}

/** The search for a term: a pair of words as a phrase. */
export function searchFor(term: string): string {
  return term.includes(' ') ? `"${term}"` : term;
}
