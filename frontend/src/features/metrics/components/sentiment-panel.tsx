import { SENTIMENTS, type Average, type Tally } from '@/api/wire';
import { sentimentColour, usePalette } from '@/components/charts/palette';
import { Panel } from '@/components/ui/panel';
import { LabelShares } from '@/features/metrics/components/label-shares';
import { formatSigned } from '@/lib/format';
import { describeSentiment } from '@/lib/headlines';
import type { Drill } from '@/lib/drill';

interface SentimentPanelProps {
  overall: Tally;
  /** What the figures cover: `last 60 seconds`. */
  span: string;
  drill: Drill;
}

/** The average sentiment from −1 to +1, and the share of each label. */
export function SentimentPanel({ overall, span, drill }: SentimentPanelProps) {
  const { average } = overall.sentiment;
  return (
    <Panel title="Sentiment" note={`${span}, all sources`}>
      <div className="flex flex-wrap items-center justify-around gap-x-6 gap-y-2 pt-1">
        <div className="relative w-52">
          <Gauge average={average} />
          <p className="absolute inset-x-0 bottom-0 text-center">
            <span className="block text-xl leading-8 font-semibold tracking-tight">
              {formatSigned(average)}
            </span>
            <span className="caption">{describeSentiment(average)}</span>
          </p>
        </div>
        <div className="min-w-0 flex-1 basis-64 space-y-2">
          <div
            className="flex h-2 gap-0.5 overflow-hidden rounded-full bg-sunken"
            aria-hidden="true"
          >
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
          <LabelShares overall={overall} drill={drill} />
        </div>
      </div>
    </Panel>
  );
}

/** The scale is a half circle of this radius. */
const RADIUS = 90;

function Gauge({ average }: { average: Average }) {
  const palette = usePalette();
  const turn = typeof average === 'number' ? average * 90 : null;
  return (
    <svg
      viewBox="-100 -100 200 112"
      role="img"
      aria-label={`Average sentiment ${formatSigned(average)}, ${describeSentiment(average)}`}
    >
      <linearGradient id="sentiment-scale">
        {[-0.9, -0.3, 0, 0.3, 0.9].map((at, i) => (
          <stop key={at} offset={i / 4} stopColor={sentimentColour(palette, at)} />
        ))}
      </linearGradient>
      <path
        d={`M${-RADIUS} 0A${RADIUS} ${RADIUS} 0 0 1 ${RADIUS} 0`}
        fill="none"
        stroke="url(#sentiment-scale)"
        strokeWidth="14"
      />
      {turn !== null && (
        <path d="M0 -70L-7 -56H7Z" fill="var(--ink)" transform={`rotate(${turn})`} />
      )}
    </svg>
  );
}
