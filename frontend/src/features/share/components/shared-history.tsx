import { useMemo } from 'react';
import { usePalette } from '@/components/charts/palette';
import { Plot } from '@/components/charts/plot';
import { volumeScene } from '@/components/charts/volume-scene';
import { averageColumn, countColumn, shareColumn } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { LabelLegend } from '@/components/ui/label-legend';
import { Panel } from '@/components/ui/panel';
import type { SharedFigures, SharedStep } from '@/features/share/api/use-shared';
import { formatCount, formatSigned } from '@/lib/format';
import { formatterOf } from '@/lib/time';
import { totalOf } from '@/lib/totals';

interface SharedHistoryProps {
  figures: SharedFigures;
  zone: string;
}

const COLUMNS = [
  countColumn<SharedStep>('Posts', ({ count }) => count),
  averageColumn<SharedStep>('Average', ({ sentiment }) => sentiment.average),
  shareColumn<SharedStep>(
    'Negative',
    ({ sentiment }) => sentiment.negative,
    ({ count }) => count,
  ),
  countColumn<SharedStep>('High churn', ({ churn }) => churn.high),
];

/** Volume and sentiment over time. */
export function SharedHistory({ figures: { range, steps }, zone }: SharedHistoryProps) {
  const palette = usePalette();
  const stepSeconds = range.seconds / Math.max(1, steps.length);
  const formatTime = useMemo(
    () => formatterOf({ seconds: range.seconds, stepSeconds, zone }),
    [range.seconds, stepSeconds, zone],
  );
  const sceneOf = useMemo(() => {
    const items = steps.map((step) => ({ ...step, isUnfinished: !step.complete }));
    return volumeScene({ palette, items, formatTime });
  }, [palette, steps, formatTime]);
  const { count, average } = totalOf(steps);
  return (
    <Panel
      title="Volume and sentiment"
      actions={<LabelLegend />}
      className="min-h-80"
      table={
        <DataTable
          caption="Posts over time"
          keyHead="Time"
          rows={steps.toReversed()}
          keyOf={({ from }) => from}
          nameOf={({ from }) => formatTime(from)}
          columns={COLUMNS}
        />
      }
    >
      <Plot
        label={`Volume and sentiment: ${formatCount(count)} posts, average ${formatSigned(average)}`}
        sceneOf={sceneOf}
        className="min-h-64 flex-1"
      />
    </Panel>
  );
}
