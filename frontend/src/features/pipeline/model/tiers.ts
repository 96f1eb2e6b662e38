import type { ModelId, ReloadAnswer, TiersStatus } from '@/api/wire';
import { formatShare } from '@/lib/format';

/** Counts as all posts, since a few are always in progress. */
const NEARLY_ALL = 0.995;

/** Describes how the tiers share the work. */
export function describeTiers({ overloaded, items, without_deep }: TiersStatus): string {
  const deep = items.find(({ tier }) => tier === 'deep');
  if (deep === undefined) {
    return `Only the swift model is scoring posts: ${without_deep ?? 'the reason is unknown'}.`;
  }
  if (overloaded) {
    return 'Overloaded: posts arrive faster than the deep model can score them, so only the swift model is used for now.';
  }
  if (items.every(({ posts }) => posts === 0)) {
    return 'Idle: no posts in the last 60 seconds. Both models will score the next one.';
  }
  if (deep.share >= NEARLY_ALL) {
    return 'Spare capacity: the deep model rescores every post.';
  }
  return `The swift model scores every post first; the deep model corrected ${formatShare(deep.share, 1)}.`;
}

/** `swift 3 · 3f9a2c7e`, with the start of the file's hash. */
export function describeModel({ name, version, hash }: ModelId): string {
  return `${name} ${version} · ${hash.slice(0, 8)}`;
}

/** Describes what a reload changed, one sentence per tier. */
export function describeSwaps({ items }: ReloadAnswer): string[] {
  const swaps = items
    .filter(({ before, after }) => before.hash !== after.hash)
    .map(
      ({ tier, before, after }) =>
        `The ${tier} tier changed from ${describeModel(before)} to ${describeModel(after)}.`,
    );
  return swaps.length > 0 ? swaps : ['No changes: these models are already in use.'];
}
