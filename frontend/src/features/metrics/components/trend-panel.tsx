import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { MetricsSnapshot } from '@/api/wire';
import { Chart } from '@/components/charts/chart';
import { axisText, baseOption, tooltipCard } from '@/components/charts/option';
import { sentimentColour, usePalette, type Palette } from '@/components/charts/palette';
import { DataTable } from '@/components/ui/data-table';
import { LabelLegend } from '@/components/ui/label-legend';
import { Panel } from '@/components/ui/panel';
import { toRates, type TrendPoint } from '@/features/metrics/model/trend';
import {
  formatClock,
  formatCount,
  formatDay,
  formatRate,
  formatShare,
  formatSigned,
} from '@/lib/format';
import type { Drill } from '@/lib/drill';

/** Longer steps are labelled with the day as well. */
const LONGEST_CLOCK_STEP_SECONDS = 120;

interface TrendPanelProps {
  snapshot: MetricsSnapshot;
  drill: Drill;
}

/** Volume by label over time, negative posts below the axis, with the average underneath. */
export function TrendPanel({ snapshot, drill }: TrendPanelProps) {
  const palette = usePalette();
  const step = snapshot.trend.step_seconds;
  const points = useMemo(() => toRates(snapshot.trend, snapshot.window.to), [snapshot]);
  const formatTime = step <= LONGEST_CLOCK_STEP_SECONDS ? formatClock : formatDay;
  const option = useMemo(
    () => trendOption(palette, points, { step, formatTime }),
    [palette, points, step, formatTime],
  );
  const pick = usePick(points, step, drill);
  return (
    <Panel
      title="Trend"
      note={`posts per second, in ${describeStep(step)} steps`}
      actions={<LabelLegend />}
      table={
        <DataTable
          caption="Posts over time"
          keyHead="Time"
          rows={points.toReversed()}
          keyOf={({ at }) => String(at)}
          nameOf={({ at }) => formatTime(at)}
          columns={[
            { head: 'Posts', cell: ({ count }) => formatCount(count) },
            { head: 'Per second', cell: ({ total }) => formatRate(total) },
            { head: 'Average', cell: ({ average }) => formatSigned(average) },
            {
              head: 'Negative',
              cell: (p) => formatShare(p.negativeShare ?? 0, p.count > 0 ? 1 : 0),
            },
            { head: 'High churn', cell: ({ highChurn }) => formatCount(highChurn) },
          ]}
          searchOf={({ at }) => drill.searchOf(stepFrom(at, step))}
        />
      }
    >
      <Chart
        label={describeTrend(points)}
        option={option}
        onPick={pick}
        className="min-h-44 flex-1 cursor-pointer"
      />
    </Panel>
  );
}

/** Returns a handler that opens the posts of the clicked step. It reads the latest points when called. */
function usePick(points: readonly TrendPoint[], step: number, drill: Drill) {
  const latest = useRef(points);
  useEffect(() => {
    latest.current = points;
  }, [points]);
  const { open } = drill;
  return useCallback(
    (position: number) => {
      const at =
        latest.current[position]?.at ?? latest.current.findLast((p) => p.at <= position)?.at;
      if (at !== undefined) open(stepFrom(at, step));
    },
    [open, step],
  );
}

function stepFrom(at: number, seconds: number) {
  const [from, to] = [at, at + seconds * 1_000].map((time) => new Date(time).toISOString());
  return { from, to } as { from: string; to: string };
}

function describeStep(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3_600 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

function describeTrend(points: readonly TrendPoint[]): string {
  const last = points.at(-1);
  if (last === undefined) return 'Trend: no posts in this window';
  const most = Math.max(...points.map(({ total }) => total));
  return `Trend: ${formatRate(last.total)} posts per second in the latest step, peak ${formatRate(most)}; average sentiment now ${formatSigned(last.average)}`;
}

interface TrendStyle {
  step: number;
  formatTime: (time: number) => string;
}

function trendOption(
  palette: Palette,
  points: readonly TrendPoint[],
  { step, formatTime }: TrendStyle,
) {
  const area = (name: 'positive' | 'neutral' | 'negative', stack: string, sign: 1 | -1) => ({
    type: 'line',
    name,
    stack,
    stackStrategy: 'all',
    smooth: 0.35,
    smoothMonotone: 'x',
    symbol: 'none',
    lineStyle: { width: name === 'neutral' ? 0 : 1.5, color: palette[name] },
    areaStyle: { color: palette[name], opacity: name === 'neutral' ? 0.28 : 0.72 },
    emphasis: { disabled: true },
    data: points.map((point) => [point.at, sign * point[name]]),
  });
  const reach = points.every(({ average }) => Math.abs(average ?? 0) <= 0.5) ? 0.5 : 1;
  const timeAxis = {
    type: 'time',
    axisLine: { lineStyle: { color: palette['line-strong'] } },
    axisTick: { show: false },
    splitLine: { show: false },
    ...(step <= LONGEST_CLOCK_STEP_SECONDS && { minInterval: 60_000 }),
    axisLabel: {
      ...axisText(palette),
      hideOverlap: true,
      formatter: (value: number) =>
        step <= LONGEST_CLOCK_STEP_SECONDS ? formatTime(value).slice(0, 5) : formatTime(value),
    },
  };
  return {
    ...baseOption(palette),
    grid: [
      { left: 44, right: 8, top: 12, bottom: 78 },
      { left: 44, right: 8, height: 36, bottom: 24 },
    ],
    tooltip: {
      ...baseOption(palette).tooltip,
      trigger: 'axis',
      axisPointer: { type: 'line', lineStyle: { color: palette['line-strong'] } },
      formatter: (hovered: { dataIndex: number }[]) => {
        const point = points[hovered[0]?.dataIndex ?? -1];
        return point === undefined ? '' : pointCard(point, formatTime(point.at));
      },
    },
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    xAxis: [
      {
        ...timeAxis,
        gridIndex: 0,
        axisLabel: { show: false },
        axisLine: { onZero: true, lineStyle: { color: palette.ink, opacity: 0.5 } },
      },
      {
        ...timeAxis,
        gridIndex: 1,
        axisLine: { onZero: false, lineStyle: { color: palette.line } },
      },
    ],
    yAxis: [
      {
        type: 'value',
        gridIndex: 0,
        splitNumber: 4,
        axisLabel: {
          ...axisText(palette),
          formatter: (value: number) => formatTick(Math.abs(value)),
        },
        splitLine: { lineStyle: { color: palette.line } },
      },
      {
        type: 'value',
        gridIndex: 1,
        min: -reach,
        max: reach,
        interval: reach,
        axisLabel: {
          ...axisText(palette),
          formatter: (value: number) => (value === 0 ? 'avg.' : formatSigned(value)),
        },
        splitLine: { lineStyle: { color: palette.line } },
      },
    ],
    series: [
      area('positive', 'up', 1),
      area('neutral', 'up', 1),
      area('negative', 'down', -1),
      {
        type: 'bar',
        name: 'average',
        xAxisIndex: 1,
        yAxisIndex: 1,
        barMaxWidth: 9,
        barMinHeight: 1,
        data: points.map(({ at, average }) => ({
          // Without posts there is no bar: a bar at zero would mean balanced sentiment.
          value: [at, average ?? '-'],
          itemStyle: { color: sentimentColour(palette, average), borderRadius: 1 },
        })),
      },
    ],
  };
}

function formatTick(value: number): string {
  return value >= 1_000 ? `${value / 1_000}k` : String(Number(value.toFixed(2)));
}

function pointCard(point: TrendPoint, title: string): HTMLElement {
  return tooltipCard(title, [
    ['Posts', formatCount(point.count)],
    ['Positive', `${formatRate(point.positive)}/s`],
    ['Neutral', `${formatRate(point.neutral)}/s`],
    ['Negative', `${formatRate(point.negative)}/s`],
    ['Average', formatSigned(point.average)],
    ['High churn', formatCount(point.highChurn)],
  ]);
}
