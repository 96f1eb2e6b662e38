import type { Sentiment } from '@/api/wire';

const SHAPES: Record<Sentiment, string> = {
  positive: 'M6 1.500l4.8 8.500H1.200z',
  neutral: 'M1.5 4.500h9v3h-9z',
  negative: 'M6 10.500L1.2 2h9.600z',
};

interface SentimentMarkProps {
  label: Sentiment;
  /** Draws an outline only. */
  uncertain?: boolean | undefined;
}

/** A sentiment label as a shape, so that it can be told without its colour. */
export function SentimentMark({ label, uncertain = false }: SentimentMarkProps) {
  const colour = `var(--${label})`;
  return (
    <svg
      viewBox="0 0 12 12"
      className="size-3 shrink-0"
      role="img"
      aria-label={uncertain ? `${label}, uncertain` : label}
    >
      <path
        d={SHAPES[label]}
        fill={uncertain ? 'none' : colour}
        stroke={uncertain ? colour : 'none'}
        strokeDasharray="2 1.2"
        strokeLinejoin="round"
      />
    </svg>
  );
}
