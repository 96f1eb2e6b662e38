import type { KeyedTally } from '@/api/wire';
import { COMPARED_MIN, compareShares, type Change } from '@/lib/compare';

/** One product's share of all mentions. */
export interface Voice {
  /** Null for all products that do not fit. */
  key: string | null;
  count: number;
  share: number;
  /** The share in the previous period; null if too few posts mentioned any product. */
  before: number | null;
  change: Change;
  average: KeyedTally['sentiment']['average'];
}

/**
 * Returns each product's share of all mentions; a post that names two products counts for both.
 *
 * At most `limit` rows; the last one sums up the rest.
 */
export function sharesOfVoice(
  now: readonly KeyedTally[],
  before: readonly KeyedTally[] | null,
  limit: number,
): Voice[] {
  const named = now.filter(({ key, count }) => key !== '' && count > 0);
  const mentions = sum(named);
  const mentionsBefore = sum((before ?? []).filter(({ key }) => key !== ''));
  const countBefore = new Map(before?.map(({ key, count }) => [key, count]));
  const shareOf = (count: number, earlier: number) => ({
    count,
    share: count / mentions,
    before: mentionsBefore < COMPARED_MIN ? null : earlier / mentionsBefore,
    change: compareShares({ part: count, of: mentions }, { part: earlier, of: mentionsBefore }),
  });
  const sorted = named.toSorted((a, b) => b.count - a.count || a.key.localeCompare(b.key));
  const alone = sorted.length > limit ? sorted.slice(0, limit - 1) : sorted;
  const rows: Voice[] = alone.map(({ key, count, sentiment }) => ({
    key,
    ...shareOf(count, countBefore.get(key) ?? 0),
    average: sentiment.average,
  }));
  if (alone.length === sorted.length) return rows;
  const aloneBefore = alone.reduce((total, { key }) => total + (countBefore.get(key) ?? 0), 0);
  const others = shareOf(mentions - sum(alone), mentionsBefore - aloneBefore);
  return [...rows, { key: null, ...others, average: null }];
}

function sum(items: readonly KeyedTally[]): number {
  return items.reduce((total, { count }) => total + count, 0);
}
