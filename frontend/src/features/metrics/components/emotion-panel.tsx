import { useCallback, useMemo } from 'react';
import { EMOTIONS, type Emotion, type Tally } from '@/api/wire';
import { Chart } from '@/components/charts/chart';
import { axisText, baseOption } from '@/components/charts/option';
import { mix, usePalette, type Palette } from '@/components/charts/palette';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import { capitalize, formatCount, formatShare } from '@/lib/format';
import type { Drill } from '@/lib/drill';

/** The sentiment of each emotion, which gives its colour. */
const SIDES: Record<Emotion, 'positive' | 'neutral' | 'negative'> = {
  joy: 'positive',
  surprise: 'neutral',
  neutral: 'neutral',
  sadness: 'negative',
  fear: 'negative',
  disgust: 'negative',
  anger: 'negative',
};

/** Emotions in a fixed order, so that bars change only their length. */
export function EmotionPanel({ overall, drill }: { overall: Tally; drill: Drill }) {
  const palette = usePalette();
  const option = useMemo(() => emotionOption(palette, overall), [palette, overall]);
  const { open: drillTo } = drill;
  const open = useCallback((name: string) => drillTo({ emotion: name.toLowerCase() }), [drillTo]);
  const rows = EMOTIONS.map((emotion) => ({ emotion, count: overall.emotions[emotion] ?? 0 }));
  return (
    <Panel
      title="Emotions"
      note="share of posts"
      table={
        <DataTable
          caption="Posts by emotion"
          keyHead="Emotion"
          rows={rows}
          keyOf={({ emotion }) => emotion}
          nameOf={({ emotion }) => capitalize(emotion)}
          columns={[
            { head: 'Posts', cell: ({ count }) => formatCount(count) },
            { head: 'Share', cell: ({ count }) => formatShare(count, overall.count) },
          ]}
          searchOf={({ emotion }) => drill.searchOf({ emotion })}
        />
      }
    >
      <Chart
        label={`Emotions. ${rows
          .map(({ emotion, count }) => `${emotion} ${formatShare(count, overall.count)}`)
          .join(', ')}`}
        option={option}
        onSelect={open}
        className="min-h-44 flex-1"
      />
    </Panel>
  );
}

function emotionOption(palette: Palette, overall: Tally) {
  return {
    ...baseOption(palette),
    tooltip: { show: false },
    grid: { left: 66, right: 84, top: 4, bottom: 6 },
    xAxis: { type: 'value', min: 0, show: false },
    yAxis: {
      type: 'category',
      inverse: true,
      triggerEvent: true,
      data: EMOTIONS.map(capitalize),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { ...axisText(palette), color: palette.ink },
    },
    series: [
      {
        type: 'bar',
        barWidth: 12,
        showBackground: true,
        backgroundStyle: { color: palette.sunken, borderRadius: 3 },
        label: {
          show: true,
          position: 'right',
          formatter: ({ dataIndex }: { dataIndex: number }) => {
            const count = overall.emotions[EMOTIONS[dataIndex] ?? 'neutral'] ?? 0;
            return `{share|${formatShare(count, overall.count)}}{count|${formatCount(count)}}`;
          },
          rich: {
            share: { width: 34, color: palette.ink, fontSize: 12, fontWeight: 600 },
            count: { color: palette['ink-soft'], fontSize: 11.5 },
          },
        },
        data: EMOTIONS.map((emotion) => ({
          value: overall.emotions[emotion] ?? 0,
          itemStyle: {
            // A mixed colour, because an opacity would also fade the label.
            color: mix(
              palette.surface,
              palette[SIDES[emotion]],
              SIDES[emotion] === 'neutral' ? 0.6 : 0.92,
            ),
            borderRadius: 3,
          },
        })),
      },
    ],
  };
}
