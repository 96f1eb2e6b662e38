import type { Span } from '@/features/topics/api/wire';

/** Part of a text to mark. */
export interface Mark {
  span: Span;
  tone: 'error' | 'hint';
}

/** Piece of a text, marked or not. */
export interface Segment {
  text: string;
  tone: Mark['tone'] | null;
}

/** Converts a span from Unicode code points, in which the server counts, to UTF-16 units, in which JavaScript does. */
export function toUtf16(text: string, span: Span): Span {
  const ends = [0];
  for (const character of text) ends.push((ends.at(-1) ?? 0) + character.length);
  const at = (position: number) => ends[Math.min(position, ends.length - 1)] ?? text.length;
  return { from: at(span.from), to: at(span.to) };
}

/**
 * Splits a text at its marks, without losing a character.
 *
 * A mark between two characters covers the one after it, or the last one. Of two marks that overlap, the first wins.
 */
export function segmentsOf(text: string, marks: readonly Mark[]): Segment[] {
  const n_characters = [...text].length;
  const segments: Segment[] = [];
  let end = 0;
  for (const { span, tone } of marks.toSorted((a, b) => a.span.from - b.span.from)) {
    const first = Math.min(span.from, Math.max(n_characters - 1, 0));
    const { from, to } = toUtf16(text, { from: first, to: Math.max(span.to, first + 1) });
    if (from < end || from === to) continue;
    if (from > end) segments.push({ text: text.slice(end, from), tone: null });
    segments.push({ text: text.slice(from, to), tone });
    end = to;
  }
  if (end < text.length) segments.push({ text: text.slice(end), tone: null });
  return segments;
}
