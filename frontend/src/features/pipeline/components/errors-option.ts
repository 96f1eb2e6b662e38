import { axisText, baseOption, tooltipCard } from '@/components/charts/option';
import type { Palette } from '@/components/charts/palette';
import type { ErrorKind, ErrorOverview } from '@/features/pipeline/api/use-errors';
import { KINDS } from '@/features/pipeline/model/errors';
import { capitalize, formatCount } from '@/lib/format';

interface ErrorsOptionParams {
  palette: Palette;
  steps: ErrorOverview['steps'];
  /** The kinds to draw. */
  kinds: readonly ErrorKind[];
  formatTime: (at: string) => string;
}

/** Errors by step, stacked by kind. */
export function errorsOption({ palette, steps, kinds, formatTime }: ErrorsOptionParams) {
  return {
    ...baseOption(palette),
    grid: { left: 44, right: 8, top: 12, bottom: 26 },
    tooltip: {
      ...baseOption(palette).tooltip,
      trigger: 'axis',
      axisPointer: { type: 'shadow', shadowStyle: { color: palette.ink, opacity: 0.06 } },
      formatter: (hovered: { dataIndex: number }[]) => {
        const step = steps[hovered[0]?.dataIndex ?? -1];
        if (step === undefined) return '';
        const present = kinds.filter((kind) => (step.counts[kind] ?? 0) > 0);
        return tooltipCard(
          formatTime(step.from),
          present.length === 0
            ? [['No errors', '']]
            : present.map((kind) => [
                capitalize(KINDS[kind].many),
                formatCount(step.counts[kind] ?? 0),
              ]),
        );
      },
    },
    xAxis: {
      type: 'category',
      data: steps.map(({ from }) => from),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: palette['line-strong'] } },
      axisLabel: { ...axisText(palette), hideOverlap: true, formatter: formatTime },
    },
    yAxis: {
      type: 'value',
      splitNumber: 3,
      minInterval: 1,
      // Otherwise the axis of an empty chart shows fractions.
      max: ({ max }: { max: number }) => Math.max(4, max),
      axisLabel: { ...axisText(palette), formatter: (value: number) => formatCount(value) },
      splitLine: { lineStyle: { color: palette.line } },
    },
    // Hidden kinds are drawn empty, because ECharts keeps a series that is left out.
    series: (Object.keys(KINDS) as ErrorKind[]).map((kind) => ({
      type: 'bar',
      name: kind,
      stack: 'now',
      barMaxWidth: 28,
      barCategoryGap: '18%',
      itemStyle: { color: palette[KINDS[kind].colour] },
      data: kinds.includes(kind) ? steps.map(({ counts }) => counts[kind] ?? 0) : [],
    })),
  };
}
