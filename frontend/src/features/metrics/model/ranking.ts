import type { KeyedTally } from '@/api/wire';

/** Counts closer than this factor share a rung. */
const RUNG = 1.3;

/**
 * The largest first, at most `limit`, and last, never left out, the posts without a key.
 *
 * Within a rung the alphabet decides: ordering by the exact count would make neighbours swap places four times a
 * second, and nobody can read a list that moves.
 */
export function rank<Item extends KeyedTally>(items: readonly Item[], limit: number): Item[] {
  const counted = items.filter(({ count }) => count > 0);
  const unnamed = counted.filter(({ key }) => key === '');
  const named = counted
    .filter(({ key }) => key !== '')
    .toSorted((a, b) => rungOf(b.count) - rungOf(a.count) || a.key.localeCompare(b.key));
  return [...named.slice(0, limit - unnamed.length), ...unnamed];
}

function rungOf(count: number): number {
  return Math.floor(Math.log(count) / Math.log(RUNG));
}
