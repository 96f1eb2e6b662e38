import type { ModelId, ReloadAnswer, TiersStatus } from '@/api/wire';
import { formatShare } from '@/lib/format';

/** From here on a share reads as everything: a handful of posts is always still under way. */
const NEARLY_ALL = 0.995;

/** How the tiers divide the work just now, and why, in a sentence. */
export function describeTiers({ overloaded, items, without_deep }: TiersStatus): string {
  const deep = items.find(({ tier }) => tier === 'deep');
  if (deep === undefined) {
    return `Everything stays swift, because the deep model reads nothing: ${without_deep ?? 'nobody says why'}.`;
  }
  if (overloaded) {
    return 'Everything stays swift: more posts arrive than can be scored in time. This ends by itself.';
  }
  if (items.every(({ posts }) => posts === 0)) {
    return 'Idle: no post in the last 60 seconds. The next one is read by both models.';
  }
  if (deep.share >= NEARLY_ALL) {
    return 'There is time to spare: the deep model reads every post again.';
  }
  return `Swift reads every post at once; ${formatShare(deep.share, 1)} were corrected by the deep model.`;
}

/** `swift 3 · 3f9a2c7e`: enough of the hash to tell two files apart. */
export function describeModel({ name, version, hash }: ModelId): string {
  return `${name} ${version} · ${hash.slice(0, 8)}`;
}

/** What a reload put in the place of what, a sentence for each tier; says so where it changed nothing. */
export function describeSwaps({ items }: ReloadAnswer): string[] {
  const swaps = items
    .filter(({ before, after }) => before.hash !== after.hash)
    .map(
      ({ tier, before, after }) =>
        `The ${tier} tier went from ${describeModel(before)} to ${describeModel(after)}.`,
    );
  return swaps.length > 0 ? swaps : ['Nothing changed: the files hold the models already in use.'];
}
