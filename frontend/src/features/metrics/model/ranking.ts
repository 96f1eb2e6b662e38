import type { KeyedTally } from '@/api/wire';

/** Counts within this factor of each other rank equally. */
const RANK_FACTOR = 1.3;

/**
 * Returns the largest items, at most `limit`, with the posts without a key always last.
 *
 * Similar counts are ordered alphabetically: by exact count, neighbours would swap places several times a second.
 */
export function rank<Item extends KeyedTally>(items: readonly Item[], limit: number): Item[] {
  const counted = items.filter(({ count }) => count > 0);
  const unnamed = counted.filter(({ key }) => key === '');
  const named = counted
    .filter(({ key }) => key !== '')
    .toSorted((a, b) => rankOf(b.count) - rankOf(a.count) || a.key.localeCompare(b.key));
  return [...named.slice(0, limit - unnamed.length), ...unnamed];
}

function rankOf(count: number): number {
  return Math.floor(Math.log(count) / Math.log(RANK_FACTOR));
}
