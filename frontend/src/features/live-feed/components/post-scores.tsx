import { EMOTIONS } from '@/api/wire';
import { ScoreHistory } from '@/features/live-feed/components/score-history';
import { describeLabel } from '@/features/live-feed/model/describe';
import { capitalize, formatCount, formatScore } from '@/lib/format';
import { formatDate } from '@/lib/time';
import type { ShownPost } from '@/live/feed';

/** Every score of a post, and the models that gave them. */
export function PostScores({ scored: { post, score, correction } }: { scored: ShownPost }) {
  const risks = [
    ['Confidence', score.sentiment.confidence, undefined],
    ['Churn risk', score.churn_risk, undefined],
    ['Toxicity', score.toxicity, undefined],
    // Displayed on a scale of 0 to 100.
    ['Virality', score.virality / 100, String(Math.round(score.virality))],
  ] as const;
  return (
    <div className="mt-2 grid grid-cols-2 gap-x-4 rounded-md bg-sunken p-2.5 text-xs">
      <p className="col-span-2 mb-2 font-semibold">{describeLabel(score.sentiment)}</p>
      <dl className="space-y-1">
        {risks.map(([name, value, text]) => (
          <Meter key={name} name={name} value={value} text={text} />
        ))}
      </dl>
      <dl className="space-y-1">
        {EMOTIONS.map((emotion) => (
          <Meter key={emotion} name={capitalize(emotion)} value={score.emotion.scores[emotion]} />
        ))}
      </dl>
      <p className="caption col-span-2 mt-2 border-t border-line pt-2 break-words">
        {[
          `posted ${formatDate(post.original_created_at ?? post.created_at)}`,
          post.lang && `language ${post.lang}`,
          post.channel && `channel ${post.channel}`,
          typeof post.reach === 'number' && `reach ${formatCount(post.reach)}`,
          `scored by ${score.model.name} ${score.model.version}`,
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
      <div className="col-span-2 mt-2 border-t border-line pt-2 empty:hidden">
        <ScoreHistory uuid={post.uuid} revision={correction?.frame ?? ''} />
      </div>
    </div>
  );
}

interface MeterProps {
  name: string;
  /** From 0 to 1. */
  value: number;
  /** The displayed text, if not the value itself. */
  text?: string | undefined;
}

function Meter({ name, value, text = formatScore(value) }: MeterProps) {
  return (
    <div className="grid grid-cols-[4.1rem_1fr_1.7rem] items-center gap-1.5">
      <dt className="text-ink-soft">{name}</dt>
      <dd className="h-1 rounded-full bg-line" aria-hidden="true">
        <span
          className="block h-1 rounded-full bg-brand"
          style={{ width: `${Math.min(1, Math.max(0, value)) * 100}%` }}
        />
      </dd>
      <dd className="text-right">{text}</dd>
    </div>
  );
}
