import { useCallback, useMemo, type ReactNode } from 'react';
import { SENTIMENTS, type Sentiment } from '@/api/wire';
import { usePalette } from '@/components/charts/palette';
import { WithNotes, type ChartNotes } from '@/components/charts/notes';
import { Plot } from '@/components/charts/plot';
import { PEAK_PART, volumeScene } from '@/components/charts/volume-scene';
import { LABEL_COLOURS } from '@/components/export/legend';
import { averageColumn, countColumn, csvOf, type TableContents } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { LabelLegend } from '@/components/ui/label-legend';
import { Panel } from '@/components/ui/panel';
import type { SeriesAnswer, Step } from '@/features/explore/api/wire';
import type { Filters } from '@/features/explore/model/filters';
import { describeOrigin } from '@/features/explore/model/sample';
import { STEP_SECONDS, withUnfinished } from '@/features/explore/model/steps';
import { totalOf } from '@/lib/totals';
import { formatCount, formatShare, formatSigned } from '@/lib/format';
import { formatterOf } from '@/lib/time';

interface SeriesPanelProps {
  /** `previous` is what it is compared with. */
  series: SeriesAnswer;
  filters: Filters;
  /** What that is, if not the previous period. */
  comparedWith: string | undefined;
  /** Controls beside the legend. */
  actions?: ReactNode;
  /** Narrows the page to one step, and to a label if its part of the bar was clicked. */
  onNarrow: (from: string, to: string, label: Sentiment | null) => void;
  className?: string;
}

/** Volume and sentiment over time, and what happened at the time. */
export function SeriesPanel(props: SeriesPanelProps) {
  const { series, filters } = props;
  return (
    <WithNotes range={series.range} peaks={series.peaks} filters={filters} zone={series.tz}>
      {(notes) => <SeriesChart {...props} notes={notes} />}
    </WithNotes>
  );
}

function SeriesChart(props: SeriesPanelProps & { notes: ChartNotes }) {
  const { series, comparedWith, actions, onNarrow, className, notes } = props;
  const palette = usePalette();
  const { items, range, tz } = series;
  const previous = series.previous ?? null;
  const { onPeak } = notes;
  const formatTime = useMemo(
    () => formatterOf({ seconds: range.seconds, stepSeconds: STEP_SECONDS[series.step], zone: tz }),
    [tz, series.step, range.seconds],
  );
  const sceneOf = useMemo(
    () =>
      volumeScene({
        ...{ palette, items: withUnfinished(items, series.step), previous, formatTime },
        ...(comparedWith !== undefined && { previousName: comparedWith }),
        marks: notes.marks,
      }),
    [palette, items, series.step, previous, comparedWith, notes.marks, formatTime],
  );
  const narrow = useCallback(
    ({ from, to }: Step, name: string | null) => {
      if (name === PEAK_PART && onPeak({ from, to })) return;
      onNarrow(from, to, SENTIMENTS.find((sentiment) => sentiment === name) ?? null);
    },
    [onNarrow, onPeak],
  );
  const zoom = useCallback(
    (first: Step, last: Step) => onNarrow(first.from, last.to, null),
    [onNarrow],
  );
  const contents: TableContents<Step> = {
    keyHead: 'Time',
    rows: items.toReversed(),
    keyOf: startOf,
    nameOf: ({ from }) => formatTime(from),
    columns: [
      ...STEP_COLUMNS,
      ...(previous === null
        ? []
        : [
            countColumn<Step>(
              comparedWith ?? 'Previous',
              (step) => previous[items.indexOf(step)]?.count ?? 0,
            ),
          ]),
    ],
  };
  return (
    <Panel
      title="Volume and sentiment"
      note={`by ${series.step}, ${tz} · ${describeOrigin(series)}`}
      className={className ?? ''}
      actions={
        <>
          <LabelLegend>
            {previous !== null && <Before name={comparedWith ?? 'previous period'} />}
          </LabelLegend>
          {actions}
        </>
      }
      exported={() => ({ ...csvOf(contents, startOf), legend: LABEL_COLOURS })}
      table={
        <>
          {notes.list}
          <DataTable
            caption="Posts over time"
            {...contents}
            onSelect={(from) => {
              const step = items.find((item) => item.from === from);
              if (step !== undefined) narrow(step, null);
            }}
          />
        </>
      }
    >
      <Plot
        label={describe(series, formatTime, comparedWith)}
        sceneOf={sceneOf}
        onOpen={narrow}
        onRange={zoom}
        className="min-h-64 flex-1"
      />
      {notes.list}
    </Panel>
  );
}

const startOf = ({ from }: Step) => from;

const STEP_COLUMNS = [
  countColumn<Step>('Posts', ({ count }) => count),
  countColumn<Step>('Positive', ({ sentiment }) => sentiment.positive),
  countColumn<Step>('Neutral', ({ sentiment }) => sentiment.neutral),
  countColumn<Step>('Negative', ({ sentiment }) => sentiment.negative),
  averageColumn<Step>('Average', ({ sentiment }) => sentiment.average),
];

function Before({ name }: { name: string }) {
  return (
    <li className="flex items-center gap-1">
      <span className="w-3.5 border-t border-dashed border-ink" />
      {name}
    </li>
  );
}

function describe(
  { items, previous }: SeriesAnswer,
  formatTime: (at: string) => string,
  comparedWith: string | undefined,
): string {
  const { count, average, negativeShare } = totalOf(items);
  const most = items.reduce<(typeof items)[number] | null>(
    (best, step) => (best === null || step.count > best.count ? step : best),
    null,
  );
  const compared =
    previous == null
      ? ''
      : `; ${formatCount(totalOf(previous).count)} ${comparedWith === undefined ? 'in the previous period' : `for ${comparedWith}`}`;
  return count === 0 || most === null
    ? 'Volume and sentiment: no posts in this period'
    : `Volume and sentiment: ${formatCount(count)} posts, ${formatShare(negativeShare ?? 0, 1)} negative, average ${formatSigned(average)}; peak of ${formatCount(most.count)} at ${formatTime(most.from)}${compared}`;
}
