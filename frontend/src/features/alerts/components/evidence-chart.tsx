import { useMemo } from 'react';
import { Chart } from '@/components/charts/chart';
import { axisText, baseOption, tooltipCard } from '@/components/charts/option';
import { prepareLines } from '@/components/charts/lines';
import { WithNotes, type ChartNotes } from '@/components/charts/notes';
import { usePalette, type Palette } from '@/components/charts/palette';
import { MARK_NAMES, type MarkKind, type VolumeMark } from '@/components/charts/volume-scene';
import type { Evidence, EvidencePoint } from '@/features/alerts/api/wire';
import { formatMetric } from '@/features/alerts/rules/metrics';
import { formatAxisTime, formatDay } from '@/lib/format';

interface Drawn {
  series: Evidence['series'];
  metric: string | null | undefined;
  /** What the band shows: the expected range, or the range that the rule allows. */
  band: 'usual' | 'rule';
}

interface EvidenceChartProps extends Drawn {
  /** The filters of the posts that are measured, under the names of the API. */
  filters: Record<string, string>;
  /** Called with the period of the clicked step. */
  onPick: (from: string, to: string) => void;
}

/** Names of the band in the chart's description and tooltip. */
const BAND_WORDS = {
  usual: { outside: 'the expected range', edges: 'expected', name: 'Expected range' },
  rule: { outside: 'the range allowed by the rule', edges: 'allowed', name: 'Allowed range' },
} as const;

/** The measured values over the band in which they should lie, and what happened at the time. */
export function EvidenceChart(props: EvidenceChartProps) {
  const { series, filters } = props;
  const [first, last] = [series[0]?.at, series.at(-1)?.at];
  if (first === undefined || last === undefined) return null;
  const stepMs = stepOf(series.map(({ at }) => Date.parse(at)));
  const range = { from: first, to: new Date(Date.parse(last) + stepMs).toISOString() };
  return (
    <WithNotes range={range} peaks={null} filters={filters}>
      {(notes) => <NotedEvidence {...props} {...{ stepMs, notes }} />}
    </WithNotes>
  );
}

interface NotedEvidenceProps extends EvidenceChartProps {
  stepMs: number;
  notes: ChartNotes;
}

function NotedEvidence({ series, metric, band, onPick, stepMs, notes }: NotedEvidenceProps) {
  const palette = usePalette();
  const { marks, list } = notes;
  const option = useMemo(
    () => evidenceOption(palette, { series, metric, band, marks }),
    [palette, series, metric, band, marks],
  );
  const pick = (index: number) => {
    const at = series[index]?.at;
    if (at === undefined) return;
    onPick(at, new Date(Date.parse(at) + stepMs).toISOString());
  };
  return (
    <>
      <Chart
        prepare={prepareLines}
        label={describeEvidence({ series, metric, band })}
        option={option}
        onPick={pick}
        className="h-56"
      />
      {list}
    </>
  );
}

/** Returns the length of a step. The series skips steps without a value, so the smallest distance counts. */
function stepOf(starts: readonly number[]): number {
  const apart = starts.slice(1).map((start, i) => start - (starts[i] ?? start));
  return Math.min(...apart, 60_000);
}

const isOutside = ({ value, low, high }: EvidencePoint) => value < low || value > high;

/** Describes the chart in a sentence. */
export function describeEvidence({ series, metric, band }: Drawn): string {
  const outside = series.filter(isOutside);
  const last = series.at(-1);
  if (last === undefined) return 'Evidence: none stored';
  const words = BAND_WORDS[band];
  return `Evidence: ${outside.length} of ${series.length} steps outside ${words.outside}; latest ${formatMetric(metric, last.value)}, ${words.edges} ${formatMetric(metric, last.low)} to ${formatMetric(metric, last.high)}`;
}

interface DrawnWithMarks extends Drawn {
  marks: readonly VolumeMark[];
}

function evidenceOption(palette: Palette, { series, metric, band, marks }: DrawnWithMarks) {
  const format = (value: number) => formatMetric(metric, value);
  const placed = marks.flatMap(({ at, kind, text }) => {
    const index = series.findLastIndex((point) => Date.parse(point.at) <= Date.parse(at));
    return index < 0 ? [] : [{ index, kind, text }];
  });
  const marksOf = (kind: MarkKind, look: object) => ({
    ...{ type: 'scatter', silent: true, symbolSize: 11, z: 3, ...look },
    data: placed
      .filter((mark) => mark.kind === kind)
      .map(({ index }) => [index, series[index]?.value ?? 0]),
  });
  return {
    ...baseOption(palette),
    grid: { left: 54, right: 10, top: 14, bottom: 26 },
    tooltip: {
      ...baseOption(palette).tooltip,
      trigger: 'axis',
      formatter: (hovered: { dataIndex: number }[]) => {
        const point = series[hovered[0]?.dataIndex ?? -1];
        if (point === undefined) return '';
        return tooltipCard(formatDay(point.at), [
          ['Value', format(point.value)],
          ['Expected', format(point.baseline)],
          [BAND_WORDS[band].name, `${format(point.low)} – ${format(point.high)}`],
          ...placed
            .filter(({ index }) => index === hovered[0]?.dataIndex)
            .map(({ kind, text }) => [MARK_NAMES[kind], text] as const),
        ]);
      },
    },
    xAxis: {
      type: 'category',
      boundaryGap: false,
      data: series.map(({ at }) => at),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: palette['line-strong'] } },
      axisLabel: {
        ...axisText(palette),
        hideOverlap: true,
        alignMinLabel: 'left',
        alignMaxLabel: 'right',
        formatter: formatAxisTime(series.map(({ at }) => at)),
      },
    },
    yAxis: {
      type: 'value',
      scale: true,
      splitNumber: 4,
      axisLabel: {
        ...axisText(palette),
        formatter: (value: number) => format(value).replace(/ posts?$/, ''),
      },
      splitLine: { lineStyle: { color: palette.line } },
    },
    series: [
      // The band is two stacked areas: an invisible one up to the lower edge, then the band itself.
      bandLine(
        'low',
        { opacity: 0 },
        series.map(({ low }) => low),
      ),
      bandLine(
        'band',
        { color: palette.brand, opacity: 0.16 },
        series.map(({ low, high }) => high - low),
      ),
      {
        type: 'line',
        name: 'usual',
        symbol: 'none',
        silent: true,
        lineStyle: { color: palette['ink-soft'], width: 1, type: [4, 3] },
        data: series.map(({ baseline }) => baseline),
      },
      {
        type: 'line',
        name: 'measured',
        symbol: 'circle',
        // Otherwise ECharts skips the symbols between two axis labels.
        showAllSymbol: true,
        symbolSize: (_: number, { dataIndex }: { dataIndex: number }) => {
          const point = series[dataIndex];
          return point !== undefined && isOutside(point) ? 8 : 3;
        },
        cursor: 'pointer',
        itemStyle: {
          color: ({ dataIndex }: { dataIndex: number }) => {
            const point = series[dataIndex];
            return point !== undefined && isOutside(point) ? palette.critical : palette.brand;
          },
        },
        lineStyle: { color: palette.brand, width: 1.75 },
        data: series.map(({ value }) => value),
      },
      marksOf('alert', {
        symbol: 'diamond',
        symbolOffset: [0, -12],
        itemStyle: { color: palette.critical },
      }),
      marksOf('annotation', {
        symbol: 'triangle',
        symbolOffset: [0, 12],
        itemStyle: { color: palette.brand },
      }),
    ],
  };
}

function bandLine(name: string, areaStyle: object, data: readonly number[]) {
  return {
    type: 'line',
    name,
    stack: 'band',
    stackStrategy: 'all',
    symbol: 'none',
    silent: true,
    lineStyle: { width: 0 },
    areaStyle,
    data,
  };
}
