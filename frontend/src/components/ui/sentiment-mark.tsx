import type { Sentiment } from '@/api/wire';

/** Drawn in the dot: plus, nothing, minus. */
const SIGNS: Record<Sentiment, string> = {
  positive: 'M6 3.750v4.500M3.750 6h4.500',
  neutral: '',
  negative: 'M3.750 6h4.500',
};

interface SentimentMarkProps {
  label: Sentiment;
  /** Draws an outline only. */
  uncertain?: boolean | undefined;
}

/** A sentiment label as a dot with a sign, so that it can be told without its colour. */
export function SentimentMark({ label, uncertain = false }: SentimentMarkProps) {
  const colour = `var(--${label})`;
  return (
    <svg
      viewBox="0 0 12 12"
      className="size-3 shrink-0"
      role="img"
      aria-label={uncertain ? `${label}, uncertain` : label}
    >
      <circle
        cx="6"
        cy="6"
        r={uncertain ? 5 : label === 'neutral' ? 4 : 5.5}
        fill={uncertain ? 'none' : colour}
        stroke={uncertain ? colour : 'none'}
        strokeDasharray="2 1.2"
      />
      <path
        d={SIGNS[label]}
        stroke={uncertain ? colour : 'var(--surface)'}
        strokeWidth="1.5"
        strokeLinecap="round"
      />
    </svg>
  );
}
