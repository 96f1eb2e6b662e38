import { useCallback, useMemo } from 'react';
import type { KeyedTally } from '@/api/wire';
import { Chart } from '@/components/charts/chart';
import { axisText, baseOption, tooltipCard } from '@/components/charts/option';
import { sentimentColour, usePalette, type Palette } from '@/components/charts/palette';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { describeKeys, TALLY_COLUMNS } from '@/features/metrics/model/describe';
import { rank } from '@/features/metrics/model/ranking';
import type { Drill } from '@/lib/drill';
import { formatCount, formatKey, formatScore, formatShare, formatSigned } from '@/lib/format';

const CHANNELS_SHOWN = 8;

interface ChannelPanelProps {
  channels: readonly KeyedTally[];
  onSelect: (channel: string) => void;
  drill: Drill;
}

/** Sentiment, volume and high churn risk by channel. */
export function ChannelPanel({ channels, onSelect, drill }: ChannelPanelProps) {
  const palette = usePalette();
  const shown = useMemo(() => rank(channels, CHANNELS_SHOWN), [channels]);
  const option = useMemo(() => channelOption(palette, shown), [palette, shown]);
  const { open: drillTo } = drill;
  const open = useCallback((channel: string) => drillTo({ channel }), [drillTo]);
  return (
    <Panel
      title="Channels"
      note="average sentiment; size is volume"
      table={
        <DataTable
          caption="Posts by channel"
          keyHead="Channel"
          rows={rank(channels, channels.length)}
          keyOf={({ key }) => key}
          nameOf={({ key }) => formatKey(key)}
          columns={TALLY_COLUMNS}
          onSelect={onSelect}
          searchOf={({ key }) => drill.searchOf({ channel: key })}
        />
      }
    >
      <Chart
        label={`Channels. ${describeKeys(shown)}`}
        option={option}
        onSelect={open}
        className="min-h-44 flex-1"
      />
    </Panel>
  );
}

/** The full scale; one that followed the data would keep jumping. */
const REACH = 1;

function channelOption(palette: Palette, channels: readonly KeyedTally[]) {
  const most = Math.max(1, ...channels.map(({ count }) => count));
  const categories = {
    type: 'category',
    inverse: true,
    data: channels.map(({ key }) => key),
    axisLine: { show: false },
    axisTick: { show: false },
  };
  return {
    ...baseOption(palette),
    grid: { left: 108, right: 104, top: 4, bottom: 22 },
    tooltip: {
      ...baseOption(palette).tooltip,
      trigger: 'axis',
      axisPointer: { type: 'none' },
      formatter: (hovered: { dataIndex: number }[]) => {
        const channel = channels[hovered[0]?.dataIndex ?? -1];
        return channel === undefined ? '' : channelCard(channel);
      },
    },
    xAxis: {
      type: 'value',
      min: -REACH,
      max: REACH,
      interval: REACH / 2,
      axisLabel: {
        ...axisText(palette),
        formatter: (value: number) =>
          value === REACH / 2 || value === -REACH / 2 ? '' : formatSigned(value),
      },
      splitLine: { lineStyle: { color: palette.line } },
    },
    yAxis: [
      {
        ...categories,
        triggerEvent: true,
        axisLabel: {
          ...axisText(palette),
          color: palette.ink,
          width: 100,
          overflow: 'truncate',
          formatter: formatKey,
        },
      },
      {
        ...categories,
        position: 'right',
        axisLabel: {
          align: 'right',
          margin: 96,
          formatter: (_: string, i: number) => {
            const channel = channels[i];
            if (channel === undefined) return '';
            const high = channel.churn.high > 0 ? `${formatCount(channel.churn.high)} at risk` : '';
            return `{count|${formatCount(channel.count)}}{high|${high}}`;
          },
          rich: {
            count: { width: 44, align: 'right', color: palette.ink, fontSize: 12, fontWeight: 600 },
            high: { width: 52, align: 'right', color: palette.critical, fontSize: 11 },
          },
        },
      },
    ],
    series: [
      {
        type: 'bar',
        barWidth: 2,
        silent: true,
        data: channels.map(({ sentiment }) => ({
          value: sentiment.average ?? 0,
          itemStyle: { color: sentimentColour(palette, sentiment.average), opacity: 0.55 },
        })),
      },
      {
        type: 'scatter',
        symbolSize: ([, , count = 0]: number[]) => 7 + 13 * Math.sqrt(count / most),
        emphasis: { disabled: true },
        data: channels.map(({ key, sentiment, count }, i) => ({
          name: key,
          value: [sentiment.average ?? 0, i, count],
          itemStyle: {
            color: sentimentColour(palette, sentiment.average),
            borderColor: palette.surface,
            borderWidth: 1.5,
          },
        })),
      },
    ],
  };
}

function channelCard(channel: KeyedTally): HTMLElement {
  return tooltipCard(formatKey(channel.key), [
    ['Posts', formatCount(channel.count)],
    ['Average', formatSigned(channel.sentiment.average)],
    ['Negative', formatShare(channel.sentiment.negative, channel.count)],
    ['Average churn risk', formatScore(channel.churn.average)],
    ['High churn', formatCount(channel.churn.high)],
    ['Average toxicity', formatScore(channel.toxicity.average)],
  ]);
}
