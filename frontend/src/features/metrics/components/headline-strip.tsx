import { clsx } from 'clsx';
import { useMemo, type ReactNode } from 'react';
import type { Tally } from '@/api/wire';
import { Sparkline } from '@/components/charts/sparkline';
import { ExploreLink } from '@/components/ui/explore-link';
import type { Metrics } from '@/features/metrics/api/use-metrics';
import { ChangeMark } from '@/features/metrics/components/change-mark';
import {
  compareAverages,
  compareCounts,
  compareShares,
  type Change,
} from '@/features/metrics/model/compare';
import { describeSentiment, describeSources } from '@/features/metrics/model/describe';
import { toRates } from '@/features/metrics/model/trend';
import type { Drill } from '@/lib/drill';
import { formatCount, formatRate, formatScore, formatShare, formatSigned } from '@/lib/format';
import { HIGH_CHURN } from '@/lib/post';
import { nameOfWindow, type WindowKey } from '@/lib/view';

interface HeadlineStripProps {
  metrics: Metrics;
  window: WindowKey;
  /** The figures of the previous period; null while unknown. */
  previous: Tally | null;
  drill: Drill;
}

/** The headline numbers. */
export function HeadlineStrip({ metrics, window, previous, drill }: HeadlineStripProps) {
  const { snapshot, origin } = metrics;
  const points = useMemo(
    () => (snapshot === null ? [] : toRates(snapshot.trend, snapshot.window.to)),
    [snapshot],
  );
  const overall = snapshot?.overall;
  const span = nameOfWindow(window, snapshot?.window);
  return (
    <dl
      aria-label="Headline numbers"
      className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border border-line bg-line shadow-panel sm:grid-cols-3 xl:grid-cols-6"
    >
      <Headline
        name="Posts per second"
        value={snapshot && formatRate(snapshot.rate.posts_per_second)}
        note={origin.kind === 'socket' ? 'over the last 10 seconds' : `over the ${span}`}
        spark={<Sparkline values={points.map((p) => p.total)} colour="var(--brand)" />}
      />
      <Headline
        name={`Posts, ${span}`}
        value={overall && formatCount(overall.count)}
        change={overall && previous && compareCounts(overall.count, previous.count)}
        search={drill.searchOf({})}
        note={snapshot && describeSources(snapshot.sources)}
      />
      <Headline
        name="Average sentiment"
        value={overall && formatSigned(overall.sentiment.average)}
        change={overall && previous && compareAverages(overall, previous)}
        bad="down"
        note={overall && describeSentiment(overall.sentiment.average)}
        spark={
          <Sparkline values={points.map((p) => p.average)} colour="var(--ink-soft)" centre={0} />
        }
      />
      <Headline
        name="Negative share"
        value={overall && formatShare(overall.sentiment.negative, overall.count)}
        change={overall && previous && compareShares(negativeOf(overall), negativeOf(previous))}
        bad="up"
        search={drill.searchOf({ label: 'negative' })}
        note={overall && `${formatCount(overall.sentiment.negative)} posts`}
        spark={<Sparkline values={points.map((p) => p.negativeShare)} colour="var(--negative)" />}
      />
      <Headline
        name="High churn risk"
        value={overall && formatCount(overall.churn.high)}
        change={overall && previous && compareCounts(overall.churn.high, previous.churn.high)}
        bad="up"
        search={drill.searchOf({ min_churn: String(HIGH_CHURN) })}
        note={overall && `risk ≥ 0.8, average ${formatScore(overall.churn.average)}`}
        spark={<Sparkline values={points.map((p) => p.highChurn)} colour="var(--critical)" />}
      />
      <Headline
        name="Late posts"
        value={overall && formatCount(overall.late)}
        note="after their minute closed"
      />
    </dl>
  );
}

function negativeOf({ sentiment, count }: Tally) {
  return { part: sentiment.negative, of: count };
}

interface HeadlineProps {
  name: string;
  value: string | null | undefined;
  note: string | null | undefined;
  spark?: ReactNode;
  /** Change since the previous period. */
  change?: Change | undefined;
  bad?: 'up' | 'down';
  /** Links the value to the posts behind it. */
  search?: Record<string, string>;
}

function Headline({ name, value, note, spark, change, bad, search }: HeadlineProps) {
  const shown = value ?? '–';
  return (
    <div className="flex min-w-0 flex-col bg-surface px-4 py-2.5">
      <dt className="caption">{name}</dt>
      <dd className="flex min-w-0 items-end justify-between gap-2">
        <span
          className={clsx(
            'text-[26px] leading-8 font-semibold tracking-tight',
            value === null || value === undefined ? 'text-ink-faint' : 'text-ink',
          )}
        >
          {search === undefined ? (
            shown
          ) : (
            <ExploreLink
              search={search}
              title="Show these posts"
              className="rounded no-underline! hover:underline!"
            >
              {shown}
            </ExploreLink>
          )}
        </span>
        <ChangeMark change={change ?? null} {...(bad && { bad })} className="mb-1" />
        <span className="mb-1 hidden min-w-0 flex-1 justify-end min-[420px]:flex">{spark}</span>
      </dd>
      <dd className="caption truncate" title={note ?? undefined}>
        {note ?? '\u00a0'}
      </dd>
    </div>
  );
}
