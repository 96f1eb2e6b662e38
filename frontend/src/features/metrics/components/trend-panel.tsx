import { useMemo } from 'react';
import type { Tally, Trend } from '@/api/wire';
import { usePalette } from '@/components/charts/palette';
import { WithNotes, type ChartNotes } from '@/components/charts/notes';
import { Plot } from '@/components/charts/plot';
import { PEAK_PART, volumeScene } from '@/components/charts/volume-scene';
import { LABEL_COLOURS } from '@/components/export/legend';
import type { Exported } from '@/components/export/panel-export';
import {
  averageColumn,
  countColumn,
  csvOf,
  shareColumn,
  type Column,
  type TableContents,
} from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { LabelShares } from '@/features/metrics/components/label-shares';
import { stepsOf, type TrendStep } from '@/features/metrics/model/trend';
import type { Drill } from '@/lib/drill';
import { formatCount } from '@/lib/format';
import { formatAxisTime, formatterOf } from '@/lib/time';

interface TrendPanelProps {
  trend: Trend;
  /** The posts of the window; null if they could not be loaded. */
  overall: Tally | null;
  drill: Drill;
}

/** Volume by label over time, with the average underneath, and what happened at the time. */
export function TrendPanel(props: TrendPanelProps) {
  const { trend, drill } = props;
  const steps = useMemo(() => stepsOf(trend), [trend]);
  const range = { from: steps[0]?.from ?? '', to: steps.at(-1)?.to ?? '' };
  if (steps.length === 0) return <TrendChart {...props} steps={steps} notes={null} />;
  return (
    <WithNotes range={range} peaks={trend.peaks} filters={drill.searchOf({})}>
      {(notes) => <TrendChart {...props} steps={steps} notes={notes} />}
    </WithNotes>
  );
}

interface TrendChartProps extends TrendPanelProps {
  steps: readonly TrendStep[];
  notes: ChartNotes | null;
}

function TrendChart({ trend, overall, drill, steps, notes }: TrendChartProps) {
  const palette = usePalette();
  const { step_seconds: stepSeconds } = trend;
  const formatTime = useMemo(
    () => formatterOf({ seconds: stepSeconds * steps.length, stepSeconds }),
    [stepSeconds, steps.length],
  );
  const sceneOf = useMemo(
    () =>
      volumeScene({
        ...{ palette, items: steps, formatTime },
        marks: notes?.marks ?? [],
        formatTick: formatAxisTime(steps.map(({ from }) => from)),
      }),
    [palette, steps, notes?.marks, formatTime],
  );
  const { open: drillTo } = drill;
  const open = ({ from, to }: TrendStep, part: string | null) => {
    if (part === PEAK_PART && notes?.onPeak({ from, to })) return;
    drillTo({ from, to });
  };
  const contents: TableContents<TrendStep> = {
    keyHead: 'Time',
    rows: steps.toReversed(),
    keyOf: startOf,
    nameOf: ({ from, isUnfinished }) => `${formatTime(from)}${isUnfinished ? ' (incomplete)' : ''}`,
    columns: STEP_COLUMNS,
  };
  return (
    <Panel
      title="Trend"
      note={`posts in steps of ${describeStep(stepSeconds)}`}
      actions={overall !== null && <LabelShares overall={overall} drill={drill} />}
      exported={() => exportedOf(contents)}
      table={
        <>
          {notes?.list}
          <DataTable
            caption="Posts over time"
            {...contents}
            searchOf={({ from, to }) => drill.searchOf({ from, to })}
          />
        </>
      }
    >
      <Plot
        label={describeTrend(steps, formatTime)}
        sceneOf={sceneOf}
        onOpen={open}
        onRange={(first, last) => notes?.onSpan({ from: first.from, to: last.to })}
        className="min-h-44 flex-1"
      />
      {notes?.list}
    </Panel>
  );
}

const startOf = ({ from }: TrendStep) => from;

const STEP_COLUMNS = [
  countColumn<TrendStep>('Posts', ({ count }) => count),
  averageColumn<TrendStep>('Average', ({ sentiment }) => sentiment.average),
  shareColumn<TrendStep>(
    'Negative',
    ({ sentiment }) => sentiment.negative,
    ({ count }) => count,
  ),
  countColumn<TrendStep>('High churn', ({ churn }) => churn.high),
];

/** In a file, the time is only a time, so a column says which steps have not ended. */
function exportedOf(contents: TableContents<TrendStep>): Exported {
  const complete: Column<TrendStep> = {
    head: 'Complete',
    cell: ({ isUnfinished }) => (isUnfinished ? 'no' : 'yes'),
  };
  const columns = [...STEP_COLUMNS, complete];
  return { ...csvOf({ ...contents, columns }, startOf), legend: LABEL_COLOURS };
}

function describeStep(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3_600 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

function describeTrend(steps: readonly TrendStep[], formatTime: (at: string) => string): string {
  const peak = steps.reduce<TrendStep | null>(
    (best, step) => (best === null || step.count > best.count ? step : best),
    null,
  );
  if (peak === null || peak.count === 0) return 'Trend: no posts in this window';
  const total = steps.reduce((sum, { count }) => sum + count, 0);
  return `Trend: ${formatCount(total)} posts in ${steps.length} steps, peak of ${formatCount(peak.count)} at ${formatTime(peak.from)}`;
}
