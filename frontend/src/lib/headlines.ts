/** The four headline figures of a period, the same on every page. */
import type { Average, Tally } from '@/api/wire';
import { compareAverages, compareCounts, compareShares, type Change } from '@/lib/compare';
import { formatCount, formatPosts, formatShare, formatSigned } from '@/lib/format';
import { HIGH_CHURN } from '@/lib/post';

/** What the headline figures of a period are computed from. */
export interface Period {
  count: number;
  average: Average;
  negative: number;
  highChurn: number;
}

export function periodOf(tally: Pick<Tally, 'count' | 'sentiment' | 'churn'>): Period {
  const { count, sentiment, churn } = tally;
  return { count, average: sentiment.average, negative: sentiment.negative, highChurn: churn.high };
}

export interface Headline {
  name: string;
  /** Null while it is unknown. */
  value: string | null;
  change: Change;
  /** The figure of the previous period. */
  was: string | null;
  note?: string | null;
  /** The direction of change that is bad news. */
  bad?: 'up' | 'down';
  /** What the figure is compared with, if not the previous period. */
  comparedWith?: string | undefined;
}

interface HeadlinesOptions {
  /** Whether the counts are estimated from a sample. */
  isEstimate?: boolean;
  /** What the figures are compared with, if not the previous period. */
  comparedWith?: string | undefined;
}

/** Returns the headline figures of a period with their changes since the previous one. */
export function headlinesOf(
  now: Period | null,
  previous: Period | null,
  { isEstimate = false, comparedWith }: HeadlinesOptions = {},
) {
  // A comparison with a period without posts would be meaningless.
  const before = previous !== null && previous.count > 0 ? previous : null;
  const about = isEstimate ? '≈ ' : '';
  const was = (value: string) =>
    comparedWith === undefined ? `was ${value}` : `${comparedWith}: ${value}`;
  const none = comparedWith === undefined ? 'none before' : was('none');
  const headline = (
    name: string,
    format: (period: Period) => string,
    compare: (now: Period, before: Period) => Change,
  ) => ({
    name,
    value: now && format(now),
    change: now && before && compare(now, before),
    was: before && was(format(before)),
    comparedWith,
  });
  const posts = headline(
    'Posts',
    ({ count }) => about + formatCount(count),
    (now, before) => compareCounts(now.count, before.count),
  );
  return {
    posts: { ...posts, was: previous?.count === 0 ? none : posts.was },
    sentiment: {
      ...headline('Average sentiment', ({ average }) => formatSigned(average), compareAverages),
      note: now && describeSentiment(now.average),
      bad: 'down',
    },
    negative: {
      ...headline(
        'Negative share',
        ({ negative, count }) => (count === 0 ? '–' : formatShare(negative, count)),
        (now, before) => compareShares(shareOf(now), shareOf(before)),
      ),
      note: now && about + formatPosts(now.negative),
      bad: 'up',
    },
    churn: {
      ...headline(
        'High churn risk',
        ({ highChurn }) => about + formatCount(highChurn),
        (now, before) => compareCounts(now.highChurn, before.highChurn),
      ),
      note: `risk ≥ ${HIGH_CHURN}`,
      bad: 'up',
    },
  } satisfies Record<string, Headline>;
}

function shareOf({ negative, count }: Period) {
  return { part: negative, of: count };
}

/** Describes an average sentiment in words. */
export function describeSentiment(average: Average): string {
  if (typeof average !== 'number') return 'no posts';
  const strength = Math.abs(average);
  if (strength <= 0.05) return 'balanced';
  const side = average > 0 ? 'positive' : 'negative';
  if (strength < 0.2) return `slightly ${side}`;
  return strength < 0.5 ? side : `strongly ${side}`;
}
