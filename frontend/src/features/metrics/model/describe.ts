import type { KeyedTally, Tally } from '@/api/wire';
import { averageColumn, countColumn, shareColumn, type Column } from '@/components/ui/columns';
import { formatCount, formatKey, formatShare, formatSigned, formatSource } from '@/lib/format';

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
  countColumn('Posts', ({ count }) => count),
  averageColumn('Average', ({ sentiment }) => sentiment.average),
  shareColumn(
    'Positive',
    ({ sentiment }) => sentiment.positive,
    ({ count }) => count,
  ),
  shareColumn(
    'Negative',
    ({ sentiment }) => sentiment.negative,
    ({ count }) => count,
  ),
  countColumn('High churn', ({ churn }) => churn.high),
];
