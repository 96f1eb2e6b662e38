import type { PostDetails, Score } from '@/api/wire';
import { capitalize, formatElapsed, formatSigned, formatConfidence } from '@/lib/format';
import { formatDate } from '@/lib/time';

type SentimentScore = Score['sentiment'];

/** `Positive, 90% confident`; an uncertain label is marked as such. */
export function describeLabel({ label, confidence, uncertain }: SentimentScore): string {
  const sure = formatConfidence(confidence);
  return uncertain ? `Uncertain, possibly ${label}: ${sure}` : `${capitalize(label)}, ${sure}`;
}

/** Describes a correction by the most important value that changed. */
export function describeCorrection(was: Score, now: Score): string {
  const { label, uncertain = false, confidence, score } = was.sentiment;
  const { sentiment } = now;
  if (label !== sentiment.label) return `corrected, was ${label}`;
  if (uncertain !== (sentiment.uncertain ?? false)) {
    return `corrected, was ${uncertain ? 'uncertain' : formatConfidence(confidence)}`;
  }
  if (was.emotion.label !== now.emotion.label) return `corrected, was ${was.emotion.label}`;
  const signed = formatSigned(score);
  return signed === formatSigned(sentiment.score) ? 'corrected' : `corrected, was ${signed}`;
}

/** One entry of a post's score history. */
export interface Reading {
  score: Score;
  when: string;
}

/**
 * Lists every score of a post, oldest first and the current one last.
 *
 * The first has its date, later ones the time since the first.
 */
export function describeHistory({ score, corrected_at, history }: PostDetails): Reading[] {
  const [first, ...corrections] = history;
  if (first === undefined) return [];
  const later = (at: string) => {
    const ms = Math.max(0, Date.parse(at) - Date.parse(first.scored_at));
    return `${ms < 1_000 ? `${ms} ms` : formatElapsed(ms)} later`;
  };
  return [
    { score: first.score, when: formatDate(first.scored_at) },
    ...corrections.map(({ score, scored_at }) => ({ score, when: later(scored_at) })),
    { score, when: corrected_at ? later(corrected_at) : 'current' },
  ];
}
