import type { KeyedTally } from '@/api/wire';

/** Counts closer than this factor share a rung. */
const RUNG = 1.3;

/**
 * The largest first, at most `limit`, posts without a key last.
 *
 * Within a rung the alphabet decides: ordering by the exact count would make neighbours swap places four times a
 * second, and nobody can read a list that moves.
 */
export function rank<Item extends KeyedTally>(items: readonly Item[], limit: number): Item[] {
  return items
    .filter(({ count }) => count > 0)
    .toSorted(
      (a, b) =>
        Number(a.key === '') - Number(b.key === '') ||
        rungOf(b.count) - rungOf(a.count) ||
        a.key.localeCompare(b.key),
    )
    .slice(0, limit);
}

function rungOf(count: number): number {
  return Math.floor(Math.log(count) / Math.log(RUNG));
}
