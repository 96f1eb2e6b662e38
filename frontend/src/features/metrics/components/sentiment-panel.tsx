import { useMemo } from 'react';
import { SENTIMENTS, type Average, type Tally } from '@/api/wire';
import { Chart } from '@/components/charts/chart';
import { baseOption } from '@/components/charts/option';
import { sentimentColour, usePalette, type Palette } from '@/components/charts/palette';
import { DataTable } from '@/components/ui/data-table';
import { ExploreLink } from '@/components/ui/explore-link';
import { Panel } from '@/components/ui/panel';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { describeSentiment } from '@/features/metrics/model/describe';
import { capitalize, formatCount, formatShare, formatSigned } from '@/lib/format';
import type { Drill } from '@/lib/drill';

interface SentimentPanelProps {
  overall: Tally;
  drill: Drill;
}

/** The average sentiment from −1 to +1, and the share of each label. */
export function SentimentPanel({ overall, drill }: SentimentPanelProps) {
  const palette = usePalette();
  const { average } = overall.sentiment;
  const option = useMemo(() => gaugeOption(palette, average), [palette, average]);
  const rows = SENTIMENTS.map((label) => ({ label, count: overall.sentiment[label] }));
  return (
    <Panel
      title="Sentiment"
      table={
        <DataTable
          caption="Posts by sentiment label"
          keyHead="Label"
          rows={rows}
          keyOf={({ label }) => label}
          nameOf={({ label }) => capitalize(label)}
          columns={[
            { head: 'Posts', cell: ({ count }) => formatCount(count) },
            { head: 'Share', cell: ({ count }) => formatShare(count, overall.count) },
          ]}
          searchOf={({ label }) => drill.searchOf({ label })}
        />
      }
    >
      <div className="relative flex min-h-32 flex-1">
        <Chart
          label={`Average sentiment ${formatSigned(average)}, ${describeSentiment(average)}`}
          option={option}
          className="flex-1"
        />
        <p className="pointer-events-none absolute inset-x-0 bottom-0 text-center">
          <ExploreLink
            search={drill.searchOf({})}
            title="Show these posts"
            className="pointer-events-auto block text-[32px] leading-9 font-semibold tracking-tight no-underline!"
          >
            {formatSigned(average)}
          </ExploreLink>
          <span className="caption">{describeSentiment(average)}</span>
        </p>
      </div>
      <ShareBar overall={overall} drill={drill} />
    </Panel>
  );
}

function ShareBar({ overall, drill }: SentimentPanelProps) {
  return (
    <div className="mt-3">
      <div className="flex h-2 gap-0.5 overflow-hidden rounded-full bg-sunken" aria-hidden="true">
        {SENTIMENTS.toReversed().map((label) => (
          <span
            key={label}
            style={{
              flexGrow: overall.sentiment[label],
              flexBasis: 0,
              background: `var(--${label})`,
            }}
          />
        ))}
      </div>
      <ul className="mt-2 flex justify-between text-[12.5px]">
        {SENTIMENTS.toReversed().map((label) => (
          <li key={label} className="flex items-center gap-1.5">
            <ExploreLink
              search={drill.searchOf({ label })}
              title={`Show the ${label} posts`}
              className="flex items-center gap-1.5 rounded no-underline! hover:underline!"
            >
              <SentimentMark label={label} />
              <span className="font-semibold">
                {formatShare(overall.sentiment[label], overall.count)}
              </span>
              <span className="caption">{formatCount(overall.sentiment[label])}</span>
            </ExploreLink>
          </li>
        ))}
      </ul>
    </div>
  );
}

function gaugeOption(palette: Palette, average: Average) {
  // A horizontal gradient looks almost like one along the arc, and has no seams.
  const gradient = {
    type: 'linear',
    ...{ x: 0, y: 0, x2: 1, y2: 0 },
    colorStops: [-0.9, -0.3, 0, 0.3, 0.9].map((at, i) => ({
      offset: i / 4,
      color: sentimentColour(palette, at),
    })),
  };
  return {
    ...baseOption(palette),
    tooltip: { show: false },
    series: [
      {
        type: 'gauge',
        min: -1,
        max: 1,
        startAngle: 188,
        endAngle: -8,
        center: ['50%', '84%'],
        radius: '150%',
        splitNumber: 4,
        axisLine: { lineStyle: { width: 14, color: [[1, gradient]] } },
        axisTick: { show: false },
        splitLine: { distance: -14, length: 14, lineStyle: { color: palette.surface, width: 2 } },
        axisLabel: {
          distance: 20,
          color: palette['ink-faint'],
          fontSize: 11,
          formatter: (value: number) => (value === 1 ? '+1' : value === -1 ? '−1' : ''),
        },
        pointer: {
          show: typeof average === 'number',
          icon: 'triangle',
          length: '20%',
          width: 13,
          offsetCenter: [0, '-70%'],
          itemStyle: { color: palette.ink },
        },
        anchor: { show: false },
        title: { show: false },
        detail: { show: false },
        animation: true,
        animationDurationUpdate: 200,
        data: [{ value: average ?? 0 }],
      },
    ],
  };
}
