import { useMemo } from 'react';
import type { Tally } from '@/api/wire';
import { Sparkline } from '@/components/charts/sparkline';
import { HeadlineCell, HeadlineStrip } from '@/components/ui/headline-strip';
import type { Metrics } from '@/features/metrics/api/use-metrics';
import { describeSources } from '@/features/metrics/model/describe';
import { finished, stepsOf } from '@/features/metrics/model/trend';
import type { Drill } from '@/lib/drill';
import { formatScore } from '@/lib/format';
import { headlinesOf, periodOf } from '@/lib/headlines';
import { HIGH_CHURN } from '@/lib/post';
import { nameOfWindow, type WindowKey } from '@/lib/view';

interface LiveHeadlineProps {
  metrics: Metrics;
  window: WindowKey;
  /** The figures of the previous period; null while unknown. */
  previous: Tally | null;
  drill: Drill;
}

/** The headline numbers. */
export function LiveHeadline({ metrics, window, previous, drill }: LiveHeadlineProps) {
  const { snapshot } = metrics;
  const steps = useMemo(
    () => (snapshot?.trend ? finished(stepsOf(snapshot.trend)) : []),
    [snapshot],
  );
  const overall = snapshot?.overall;
  const headlines = headlinesOf(overall ? periodOf(overall) : null, previous && periodOf(previous));
  const span = nameOfWindow(window, snapshot?.window);
  return (
    <HeadlineStrip label="Headline numbers" columns={4}>
      <HeadlineCell
        {...headlines.posts}
        name={`Posts, ${span}`}
        search={drill.searchOf({})}
        note={snapshot && describeSources(snapshot.sources)}
        spark={<Sparkline values={steps.map(({ count }) => count)} colour="var(--brand)" />}
      />
      <HeadlineCell
        {...headlines.sentiment}
        spark={
          <Sparkline
            values={steps.map(({ sentiment }) => sentiment.average ?? null)}
            colour="var(--ink-soft)"
            centre={0}
          />
        }
      />
      <HeadlineCell
        {...headlines.negative}
        search={drill.searchOf({ label: 'negative' })}
        spark={<Sparkline values={steps.map(negativeShareOf)} colour="var(--negative)" />}
      />
      <HeadlineCell
        {...headlines.churn}
        search={drill.searchOf({ min_churn: String(HIGH_CHURN) })}
        note={
          overall ? `${headlines.churn.note}, average ${formatScore(overall.churn.average)}` : null
        }
        spark={<Sparkline values={steps.map(({ churn }) => churn.high)} colour="var(--critical)" />}
      />
    </HeadlineStrip>
  );
}

function negativeShareOf({ sentiment, count }: Pick<Tally, 'sentiment' | 'count'>) {
  return count > 0 ? sentiment.negative / count : null;
}
