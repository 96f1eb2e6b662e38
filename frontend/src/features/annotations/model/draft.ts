import type { Annotation, NewAnnotation } from '@/features/annotations/api/use-annotations';
import type { Problems } from '@/lib/use-editor';
import { fromWallClock, toWallClock } from '@/lib/zone';

/** The server's limit, in characters. */
export const TEXT_MAX = 200;

/** An annotation as it is typed, its times by the clock of a time zone. */
export interface AnnotationDraft {
  text: string;
  from: string;
  /** Empty for a point in time. */
  to: string;
  product: string;
}

/** Returns a draft for a point in time, or for a span. */
export function draftFor(
  { from, to, product }: { from: string; to: string | null; product: string | undefined },
  zone: string,
): AnnotationDraft {
  return {
    text: '',
    from: toWallClock(from, zone),
    to: to === null ? '' : toWallClock(to, zone),
    product: product ?? '',
  };
}

export function draftOf(annotation: Annotation, zone: string): AnnotationDraft {
  const { text, starts_at: from, ends_at, product } = annotation;
  return { ...draftFor({ from, to: ends_at ?? null, product: product ?? undefined }, zone), text };
}

/** Converts a draft, and lists what is wrong with it. */
export function readDraft(
  draft: AnnotationDraft,
  zone: string,
): { value: NewAnnotation; problems: Problems } {
  const text = draft.text.trim();
  const [start, end] = [fromWallClock(draft.from, zone), fromWallClock(draft.to, zone)];
  const problems: Problems = {};
  if (text === '') problems.text = 'Describe what happened.';
  else if ([...text].length > TEXT_MAX) problems.text = `Use at most ${TEXT_MAX} characters.`;
  if (start === null) problems.starts_at = 'Choose a time.';
  if (draft.to !== '' && end === null) problems.ends_at = 'Choose an end time, or leave it empty.';
  if (start !== null && end !== null && Date.parse(end) <= Date.parse(start)) {
    problems.ends_at = 'The end must be after the start.';
  }
  const value = {
    text,
    starts_at: start ?? '',
    ends_at: end,
    product: draft.product.trim() === '' ? null : draft.product.trim(),
  };
  return { value, problems };
}
