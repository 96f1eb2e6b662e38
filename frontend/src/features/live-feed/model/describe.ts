import type { PastScore, Score } from '@/api/wire';
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

/** Every score with when it was given: the first by the clock, later ones by how much later they came. */
export function describeHistory(history: readonly PastScore[]): (PastScore & { when: string })[] {
  const sorted = history.toSorted((a, b) => Date.parse(a.scored_at) - Date.parse(b.scored_at));
  const first = sorted[0];
  return sorted.map((past) => ({
    ...past,
    when:
      first === undefined || past === first
        ? formatDate(past.scored_at)
        : `${formatElapsed(Date.parse(past.scored_at) - Date.parse(first.scored_at))} later`,
  }));
}
