import { useCallback, useMemo } from 'react';
import { SENTIMENTS, type Sentiment } from '@/api/wire';
import { Chart } from '@/components/charts/chart';
import { usePalette } from '@/components/charts/palette';
import { DataTable } from '@/components/ui/data-table';
import { LabelLegend } from '@/components/ui/label-legend';
import { Panel } from '@/components/ui/panel';
import type { SeriesAnswer } from '@/features/explore/api/wire';
import { seriesOption } from '@/features/explore/components/series-option';
import { totalOf } from '@/features/explore/model/totals';
import { formatCount, formatShare, formatSigned } from '@/lib/format';
import { formatterIn } from '@/lib/zone';

const DAY_SECONDS = 86_400;

interface SeriesPanelProps {
  series: SeriesAnswer;
  /** Narrows the page to one step, and to a label if its part of the bar was clicked. */
  onNarrow: (from: string, to: string, label: Sentiment | null) => void;
  className?: string;
}

/** Volume and sentiment over time. */
export function SeriesPanel({ series, onNarrow, className }: SeriesPanelProps) {
  const palette = usePalette();
  const { items, range, tz } = series;
  const previous = series.previous ?? null;
  const formatTime = useMemo(
    () => formatterIn(tz, timeOptions(series.step, range.seconds)),
    [tz, series.step, range.seconds],
  );
  const option = useMemo(
    () => seriesOption({ palette, items, previous, formatTime }),
    [palette, items, previous, formatTime],
  );
  const narrow = useCallback(
    (index: number, name: string | null) => {
      const step = items[index];
      if (step === undefined) return;
      const label = SENTIMENTS.find((sentiment) => sentiment === name) ?? null;
      onNarrow(step.from, step.to, label);
    },
    [items, onNarrow],
  );
  return (
    <Panel
      title="Volume and sentiment"
      note={`by ${series.step}, ${tz} · ${describeOrigin(series)}`}
      className={className ?? ''}
      actions={<LabelLegend>{previous !== null && <Before />}</LabelLegend>}
      table={
        <DataTable
          caption="Posts over time"
          keyHead="Time"
          rows={items.toReversed()}
          keyOf={({ from }) => from}
          nameOf={({ from }) => formatTime(from)}
          onSelect={(from) =>
            narrow(
              items.findIndex((step) => step.from === from),
              null,
            )
          }
          columns={[
            { head: 'Posts', cell: ({ count }) => formatCount(count) },
            { head: 'Positive', cell: (step) => formatCount(step.sentiment.positive) },
            { head: 'Neutral', cell: (step) => formatCount(step.sentiment.neutral) },
            { head: 'Negative', cell: (step) => formatCount(step.sentiment.negative) },
            { head: 'Average', cell: (step) => formatSigned(step.sentiment.average) },
            ...(previous === null
              ? []
              : [
                  {
                    head: 'Previous',
                    cell: (step: (typeof items)[number]) =>
                      formatCount(previous[items.indexOf(step)]?.count ?? 0),
                  },
                ]),
          ]}
        />
      }
    >
      <Chart
        label={describe(series, formatTime)}
        option={option}
        onPick={narrow}
        className="min-h-64 flex-1"
      />
    </Panel>
  );
}

function Before() {
  return (
    <li className="flex items-center gap-1">
      <span className="w-3.5 border-t border-dashed border-ink" />
      previous period
    </li>
  );
}

function timeOptions(step: string, seconds: number): Intl.DateTimeFormatOptions {
  if (step === 'day' || step === 'week') return { day: 'numeric', month: 'short' };
  const clock = { hour: '2-digit', minute: '2-digit' } as const;
  return seconds <= DAY_SECONDS ? clock : { day: 'numeric', month: 'short', ...clock };
}

function describeOrigin({ answered_from }: SeriesAnswer): string {
  return answered_from === 'rollups' ? 'from precomputed totals' : 'counted from individual posts';
}

function describe({ items, previous }: SeriesAnswer, formatTime: (at: string) => string): string {
  const { count, average, negativeShare } = totalOf(items);
  const most = items.reduce<(typeof items)[number] | null>(
    (best, step) => (best === null || step.count > best.count ? step : best),
    null,
  );
  const compared =
    previous == null ? '' : `; ${formatCount(totalOf(previous).count)} in the previous period`;
  return count === 0 || most === null
    ? 'Volume and sentiment: no posts in this period'
    : `Volume and sentiment: ${formatCount(count)} posts, ${formatShare(negativeShare ?? 0, 1)} negative, average ${formatSigned(average)}; peak of ${formatCount(most.count)} at ${formatTime(most.from)}${compared}`;
}
