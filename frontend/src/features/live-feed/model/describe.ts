import type { PostDetails, Score } from '@/api/wire';
import { capitalize, formatDate, formatElapsed, formatSure } from '@/lib/format';

type SentimentScore = Score['sentiment'];

/** `Positive, 90% sure`; an uncertain label is never given as a statement. */
export function describeLabel({ label, confidence, uncertain }: SentimentScore): string {
  const sure = formatSure(confidence);
  return uncertain ? `Uncertain, perhaps ${label}: ${sure}` : `${capitalize(label)}, ${sure}`;
}

/** What the list says of a corrected post for a moment. */
export function describeCorrection(was: SentimentScore, now: SentimentScore): string {
  return was.label === now.label ? 'corrected' : `corrected, was ${was.label}`;
}

/** One line of a post's history. */
export interface Reading {
  score: Score;
  when: string;
}

/**
 * Every score a post had, oldest first, and the one that stands last.
 *
 * The first is dated, later ones say how much later they came, and the server does not tell since when the last stands.
 */
export function describeHistory({ score, history }: PostDetails): Reading[] {
  const [first, ...later] = history;
  if (first === undefined) return [];
  const since = Date.parse(first.scored_at);
  return [
    { score: first.score, when: formatDate(first.scored_at) },
    ...later.map(({ score, scored_at }) => ({
      score,
      when: `${formatElapsed(Date.parse(scored_at) - since)} later`,
    })),
    { score, when: 'stands now' },
  ];
}
