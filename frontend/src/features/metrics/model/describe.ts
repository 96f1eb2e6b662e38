import type { Average, KeyedTally, Tally } from '@/api/wire';
import type { Column } from '@/components/ui/data-table';
import { formatCount, formatKey, formatShare, formatSigned, formatSource } from '@/lib/format';

/** Describes an average sentiment in words. */
export function describeSentiment(average: Average): string {
  if (typeof average !== 'number') return 'no posts';
  const strength = Math.abs(average);
  if (strength <= 0.05) return 'balanced';
  const side = average > 0 ? 'positive' : 'negative';
  if (strength < 0.2) return `slightly ${side}`;
  return strength < 0.5 ? side : `strongly ${side}`;
}

/** `82% replay, 18% synthetic`: how much of the total is real. */
export function describeSources(sources: readonly { key: string; count: number }[]): string | null {
  const total = sources.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return null;
  return sources
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count)
    .map(({ key, count }) => `${formatShare(count, total)} ${nameInSentence(key)}`)
    .join(', ');
}

/** Lower-cases a source's name, except for abbreviations. */
function nameInSentence(source: string): string {
  const name = formatSource(source);
  return name === name.toUpperCase() ? name : name.toLowerCase();
}

/** `London: 120 posts, average +0.20` for the first few keys, to describe a chart. */
export function describeKeys(items: readonly KeyedTally[]): string {
  if (items.length === 0) return 'no posts in this window';
  return items
    .slice(0, 5)
    .map(
      ({ key, count, sentiment }) =>
        `${formatKey(key)}: ${formatCount(count)} posts, average ${formatSigned(sentiment.average)}`,
    )
    .join('; ');
}

export const TALLY_COLUMNS: readonly Column<Tally>[] = [
  { head: 'Posts', cell: (row) => formatCount(row.count) },
  { head: 'Average', cell: (row) => formatSigned(row.sentiment.average) },
  { head: 'Positive', cell: (row) => formatShare(row.sentiment.positive, row.count) },
  { head: 'Negative', cell: (row) => formatShare(row.sentiment.negative, row.count) },
  { head: 'High churn', cell: (row) => formatCount(row.churn.high) },
];
