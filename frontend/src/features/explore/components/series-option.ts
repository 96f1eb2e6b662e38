import { axisText, baseOption, tooltipCard } from '@/components/charts/option';
import { sentimentColour, type Palette } from '@/components/charts/palette';
import { SENTIMENTS } from '@/api/wire';
import type { Step } from '@/features/explore/api/wire';
import { formatCount, formatSigned } from '@/lib/format';

interface SeriesOptionParams {
  palette: Palette;
  items: readonly Step[];
  previous: readonly Step[] | null;
  formatTime: (at: string) => string;
}

/** Stacked labels with the previous period's volume as a dashed line, and the average below. */
export function seriesOption({ palette, items, previous, formatTime }: SeriesOptionParams) {
  const label = (name: (typeof SENTIMENTS)[number]) => ({
    type: 'bar',
    name,
    stack: 'now',
    barMaxWidth: 44,
    barCategoryGap: '18%',
    itemStyle: { color: palette[name], opacity: name === 'neutral' ? 0.45 : 0.85 },
    emphasis: { itemStyle: { opacity: 1 } },
    cursor: 'pointer',
    data: items.map(({ sentiment }) => sentiment[name]),
  });
  const averages = [...items, ...(previous ?? [])].map(({ sentiment }) => sentiment.average ?? 0);
  const reach = averages.every((average) => Math.abs(average) <= 0.5) ? 0.5 : 1;
  const dashed = { color: palette.ink, width: 1.25, type: [4, 3], opacity: 0.65 };
  const times = items.map(({ from }) => from);
  const axis = {
    type: 'category',
    data: times,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: palette['line-strong'] } },
  };
  return {
    ...baseOption(palette),
    grid: [
      { left: 48, right: 8, top: 12, bottom: 92 },
      { left: 48, right: 8, height: 44, bottom: 26 },
    ],
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    tooltip: {
      ...baseOption(palette).tooltip,
      trigger: 'axis',
      axisPointer: { type: 'shadow', shadowStyle: { color: palette.ink, opacity: 0.06 } },
      formatter: (hovered: { dataIndex: number }[]) => {
        const index = hovered[0]?.dataIndex ?? -1;
        const step = items[index];
        return step === undefined ? '' : card(step, previous?.[index], formatTime(step.from));
      },
    },
    xAxis: [
      { ...axis, gridIndex: 0, axisLabel: { show: false } },
      {
        ...axis,
        gridIndex: 1,
        axisLine: { onZero: false, lineStyle: { color: palette.line } },
        axisLabel: { ...axisText(palette), hideOverlap: true, formatter: formatTime },
      },
    ],
    yAxis: [
      {
        type: 'value',
        gridIndex: 0,
        splitNumber: 4,
        minInterval: 1,
        axisLabel: { ...axisText(palette), formatter: (value: number) => formatCount(value) },
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
      label('negative'),
      label('neutral'),
      label('positive'),
      {
        type: 'bar',
        name: 'average',
        xAxisIndex: 1,
        yAxisIndex: 1,
        barMaxWidth: 16,
        barMinHeight: 1,
        data: items.map(({ sentiment: { average } }) => ({
          // Without posts there is no bar: a bar at zero would mean balanced sentiment.
          value: average ?? '-',
          itemStyle: { color: sentimentColour(palette, average), borderRadius: 1 },
        })),
      },
      // Drawn empty without a comparison, because ECharts keeps a series that is left out.
      {
        type: 'line',
        name: 'before',
        symbol: 'none',
        silent: true,
        lineStyle: dashed,
        data: items.map((_, i) => previous?.[i]?.count ?? '-'),
      },
      {
        type: 'line',
        name: 'average before',
        xAxisIndex: 1,
        yAxisIndex: 1,
        symbol: 'none',
        silent: true,
        connectNulls: false,
        lineStyle: dashed,
        data: items.map((_, i) => previous?.[i]?.sentiment.average ?? '-'),
      },
    ],
  };
}

function card(step: Step, before: Step | undefined, title: string): HTMLElement {
  return tooltipCard(title, [
    ['Posts', formatCount(step.count)],
    ...(before === undefined ? [] : [['Previous period', formatCount(before.count)] as const]),
    ['Positive', formatCount(step.sentiment.positive)],
    ['Neutral', formatCount(step.sentiment.neutral)],
    ['Negative', formatCount(step.sentiment.negative)],
    ['Average', formatSigned(step.sentiment.average)],
    ['High churn', formatCount(step.churn.high)],
  ]);
}
