import type { Sentiment } from '@/api/wire';

const SHAPES: Record<Sentiment, string> = {
  positive: 'M6 1.500l4.8 8.500H1.200z',
  neutral: 'M1.5 4.500h9v3h-9z',
  negative: 'M6 10.500L1.2 2h9.600z',
};

/** Up, level or down: the label's shape, for who does not see its colour. */
export function SentimentMark({ label }: { label: Sentiment }) {
  return (
    <svg viewBox="0 0 12 12" className="size-3 shrink-0" role="img" aria-label={label}>
      <path d={SHAPES[label]} fill={`var(--${label})`} strokeLinejoin="round" />
    </svg>
  );
}
