import { useCallback, useMemo } from 'react';
import { Chart } from '@/components/charts/chart';
import { axisText, baseOption, tooltipCard } from '@/components/charts/option';
import { prepareLines } from '@/components/charts/lines';
import { usePalette, type Palette } from '@/components/charts/palette';
import { Failure, Skeleton } from '@/components/ui/notice';
import type { NewRule, RulePreview } from '@/features/alerts/api/wire';
import { formatMetric } from '@/features/alerts/rules/metrics';
import { usePreview } from '@/features/alerts/rules/use-preview';
import { toQueryString } from '@/lib/api-client';
import { formatAxisTime, formatDay, formatPosts } from '@/lib/format';
import { HIGH_CHURN } from '@/lib/post';

/** A rule applied to the last 24 hours: its values, its thresholds, and when it would have fired. */
export function RulePreviewChart({ rule }: { rule: NewRule | null }) {
  const palette = usePalette();
  const { data, error, isFetching, isAsked } = usePreview(rule);
  const option = useMemo(
    () => (data === undefined || rule === null ? null : previewOption(palette, data, rule)),
    [palette, data, rule],
  );
  const pick = useCallback(
    (index: number) => {
      const point = data?.series[index];
      // Opens a new tab, so that the unsaved draft is not lost.
      if (point !== undefined && rule !== null) {
        window.open(`/explore${toQueryString(searchBehind(rule, point.at))}`, '_blank');
      }
    },
    [data, rule],
  );
  return (
    <section aria-label="Preview over the last 24 hours" className="rounded-md bg-sunken p-3">
      <h3 className="text-sm font-semibold">Preview: last 24 hours</h3>
      <p className="caption" role="status">
        {rule === null
          ? 'Complete the form to see a preview.'
          : data === undefined
            ? 'Loading preview…'
            : describePreview(data)}
      </p>
      {data !== undefined && <Legend />}
      {error !== null && rule !== null && (
        <Failure className="mt-2" what="The preview could not be loaded" error={error} />
      )}
      {isAsked && data === undefined && error === null && (
        <Skeleton rows={4} label="Loading preview" />
      )}
      {option !== null && data !== undefined && error === null && (
        <Chart
          prepare={prepareLines}
          label={`Preview: ${describePreview(data)}`}
          option={option}
          onPick={pick}
          className={isFetching ? 'h-44 opacity-60' : 'h-44'}
        />
      )}
    </section>
  );
}

function Legend() {
  return (
    <ul className="caption flex flex-wrap gap-x-3" aria-hidden="true">
      <li className="flex items-center gap-1">
        <span className="w-3.5 border-t-2 border-brand" /> value
      </li>
      <li className="flex items-center gap-1">
        <span className="w-3.5 border-t border-critical" /> alerts
      </li>
      <li className="flex items-center gap-1">
        <span className="w-3.5 border-t border-dashed border-critical" /> resolves
      </li>
      <li className="flex items-center gap-1">
        <span className="size-2.5 bg-critical/20" /> firing
      </li>
    </ul>
  );
}

/** Returns the Explore search parameters for the posts in the window that ends at `at`. */
export function searchBehind(rule: NewRule, at: string): Record<string, string> {
  const { dimension, key } = rule.scope;
  const emotion = /^emotion:(.+)$/.exec(rule.metric)?.[1];
  return {
    from: new Date(Date.parse(at) - rule.window_seconds * 1_000).toISOString(),
    to: at,
    ...(dimension !== 'overall' && typeof key === 'string' && { [dimension]: key }),
    ...(rule.metric === 'negative_share' && { label: 'negative' }),
    ...(rule.metric === 'churn_high' && { min_churn: String(HIGH_CHURN) }),
    ...(emotion !== undefined && { emotion }),
  };
}

export function describePreview({ series, firings }: RulePreview): string {
  if (series.every(({ count }) => count === 0)) return 'No matching posts in the last 24 hours.';
  if (firings.length === 0) return 'The rule would not have fired.';
  const minutes = firings.reduce(
    (sum, { from, to }) => sum + (Date.parse(to) - Date.parse(from)) / 60_000,
    0,
  );
  const times = firings.length === 1 ? 'once' : `${firings.length} times`;
  return `The rule would have fired ${times}, for ${Math.max(1, Math.round(minutes))} min in total.`;
}

function previewOption(palette: Palette, { series, firings }: RulePreview, rule: NewRule) {
  const isFiring = (at: string) =>
    firings.some(
      ({ from, to }) => Date.parse(at) >= Date.parse(from) && Date.parse(at) <= Date.parse(to),
    );
  const line = (value: number, type: string) => ({
    type: 'line',
    symbol: 'none',
    silent: true,
    lineStyle: { color: palette.critical, width: 1, type },
    data: series.map(() => value),
  });
  const known = series.flatMap(({ value }) => (value == null ? [] : [value]));
  const clear = rule.clear_threshold ?? rule.threshold;
  const top = Math.max(...known, rule.threshold, clear);
  const bottom = Math.min(...known, rule.threshold, clear, 0);
  return {
    ...baseOption(palette),
    grid: { left: 52, right: 6, top: 14, bottom: 24 },
    tooltip: {
      ...baseOption(palette).tooltip,
      trigger: 'axis',
      formatter: (hovered: { dataIndex: number }[]) => {
        const point = series[hovered[0]?.dataIndex ?? -1];
        if (point === undefined) return '';
        return tooltipCard(formatDay(point.at), [
          ['Value', point.value == null ? '–' : formatMetric(rule.metric, point.value)],
          ['Posts', formatPosts(point.count)],
        ]);
      },
    },
    xAxis: {
      type: 'category',
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
      min: bottom,
      max: top * 1.05,
      splitNumber: 3,
      axisLabel: {
        ...axisText(palette),
        showMaxLabel: false,
        formatter: (value: number) => formatMetric(rule.metric, value).replace(/ posts?$/, ''),
      },
      splitLine: { lineStyle: { color: palette.line } },
    },
    series: [
      {
        type: 'bar',
        silent: true,
        barWidth: '100%',
        barGap: '-100%',
        itemStyle: { color: palette.critical, opacity: 0.18 },
        data: series.map(({ at }) => (isFiring(at) ? top * 1.05 : '-')),
      },
      {
        type: 'line',
        symbol: 'none',
        lineStyle: { color: palette.brand, width: 1.75 },
        data: series.map(({ value }) => value ?? '-'),
      },
      line(rule.threshold, 'solid'),
      line(clear, 'dashed'),
    ],
  };
}
