import type { KeyedTally, Tally } from '@/api/wire';

/** The change of a figure; null if there is nothing to compare. */
export type Change = { text: string; direction: 'up' | 'down' | 'same' } | null;

/** With fewer posts, percentages are noise. */
const POSTS_MIN = 5;

/** `+12%`, or `×3.4` if the count at least doubled. */
export function compareCounts(now: number, before: number): Change {
  if (before < POSTS_MIN) return null;
  const factor = now / before;
  if (factor >= 2) return { text: `×${factor.toFixed(1)}`, direction: 'up' };
  return signed(Math.round((factor - 1) * 100), '%');
}

/** `+3 pts`: the change of a share in percentage points. */
export function compareShares(now: Share, before: Share): Change {
  if (before.of < POSTS_MIN || now.of < POSTS_MIN) return null;
  return signed(Math.round((now.part / now.of - before.part / before.of) * 100), ' pts');
}

interface Share {
  part: number;
  of: number;
}

/** `+0.12` on the scale from −1 to +1. */
export function compareAverages(now: Tally, before: Tally): Change {
  const [a, b] = [now.sentiment.average, before.sentiment.average];
  if (typeof a !== 'number' || typeof b !== 'number') return null;
  const difference = Math.round((a - b) * 100);
  const text = `${difference < 0 ? '−' : '+'}${(Math.abs(difference) / 100).toFixed(2)}`;
  return difference === 0 ? signed(0, '') : { text, direction: difference > 0 ? 'up' : 'down' };
}

function signed(value: number, unit: string): Change {
  if (value === 0) return { text: '±0', direction: 'same' };
  const text = `${value > 0 ? '+' : '−'}${Math.abs(value)}${unit}`;
  return { text, direction: value > 0 ? 'up' : 'down' };
}

/** One product's share of all mentions. */
export interface Voice {
  /** Null for all products that do not fit. */
  key: string | null;
  count: number;
  share: number;
  /** The share in the previous period; null if nothing was mentioned. */
  before: number | null;
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
  const shareBefore = (count: number) => (mentionsBefore === 0 ? null : count / mentionsBefore);
  const sorted = named.toSorted((a, b) => b.count - a.count || a.key.localeCompare(b.key));
  const alone = sorted.length > limit ? sorted.slice(0, limit - 1) : sorted;
  const rows: Voice[] = alone.map(({ key, count, sentiment }) => ({
    key,
    count,
    share: count / mentions,
    before: shareBefore(countBefore.get(key) ?? 0),
    average: sentiment.average,
  }));
  if (alone.length === sorted.length) return rows;
  const count = mentions - sum(alone);
  const aloneBefore = alone.reduce((total, { key }) => total + (countBefore.get(key) ?? 0), 0);
  const others = {
    count,
    share: count / mentions,
    before: shareBefore(mentionsBefore - aloneBefore),
  };
  return [...rows, { key: null, ...others, average: null }];
}

function sum(items: readonly KeyedTally[]): number {
  return items.reduce((total, { count }) => total + count, 0);
}
