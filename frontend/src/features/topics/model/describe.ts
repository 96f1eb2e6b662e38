import type { Span, TopicKind, TopicPreview, TopicQueryError } from '@/features/topics/api/wire';
import { capitalize, formatCount, formatElapsed, formatPosts } from '@/lib/format';

/** What each kind stands for. */
export const KIND_HINTS: Record<TopicKind, string> = {
  product: 'A product or service.',
  brand: 'A manufacturer or seller.',
  competitor: 'A product or brand that competes with ours.',
  person: 'A person or group.',
  event: 'An event, such as a launch.',
  issue: 'A subject that people discuss, such as delivery.',
};

/** `Character 5: write a term after …`; without the position if the whole query is meant. */
export function describeProblem({ span, message }: TopicQueryError, query: string): string {
  const isWhole = span.from === 0 && span.to >= [...query].length;
  const sentence = /[.?!]$/.test(message) ? message : `${message}.`;
  return isWhole ? capitalize(sentence) : `${describePlace(span)}: ${sentence}`;
}

/** `Character 5`, `Characters 5 to 8`: counted from 1. */
export function describePlace({ from, to }: Span): string {
  return to <= from + 1 ? `Character ${from + 1}` : `Characters ${from + 1} to ${to}`;
}

/** What a screen reader says once a query has been checked. */
export function announceCheck(problem: string | null, n_hints: number): string {
  if (problem !== null) return problem;
  if (n_hints === 0) return 'The query is valid.';
  return `The query is valid, with ${n_hints === 1 ? '1 hint' : `${n_hints} hints`}.`;
}

/** Whether the canonical form of a query shows more than the query itself, such as operators that were left out. */
export function saysMore(canonical: string, query: string): boolean {
  const plain = (text: string) => text.trim().replace(/\s+/g, ' ').toLowerCase();
  return plain(canonical) !== plain(query);
}

const DAY_MS = 86_400_000;

/** How often posts match: `About 120 posts a day`. */
export function describeRate({ posts_read, posts_matched, per_day }: TopicPreview): string {
  if (posts_read === 0) return 'No recent posts';
  if (posts_matched === 0) return 'No recent post matches';
  return `About ${formatPosts(Math.round(per_day ?? 0))} a day`;
}

/** What the rate was computed from: `12 of 480 posts in the last 24 hours match.` */
export function describeBasis({ from, to, posts_read, posts_matched }: TopicPreview): string {
  if (posts_read === 0) return 'No posts arrived in the last 24 hours.';
  const ms = Date.parse(to) - Date.parse(from);
  const verb = posts_matched === 1 ? 'matches' : 'match';
  return ms >= DAY_MS
    ? `${formatCount(posts_matched)} of ${formatPosts(posts_read)} in the last 24 hours ${verb}.`
    : `${formatCount(posts_matched)} of the newest ${formatPosts(posts_read)}, from the last ${formatElapsed(ms)}, ${verb}.`;
}
