import type { Schemas } from '@/api/wire';
import type { SeriesAnswer } from '@/features/explore/api/wire';
import { formatShare } from '@/lib/format';

type Sample = Schemas['Sample'];

/** `estimated from 1 in 12 posts, ±4%`; null if the figures are exact. */
export function describeSample(sample: Sample | null | undefined): string | null {
  if (sample == null) return null;
  const oneIn = Math.max(2, Math.round(1 / sample.share));
  return `estimated from 1 in ${oneIn} posts, ±${formatShare(Math.max(0.01, sample.error), 1)}`;
}

/** `from precomputed totals`: where the figures come from, and how exact they are. */
export function describeOrigin({
  answered_from,
  sample,
}: Pick<SeriesAnswer, 'answered_from' | 'sample'>): string {
  const estimated = describeSample(sample);
  if (estimated !== null) return estimated;
  return answered_from === 'rollups' ? 'from precomputed totals' : 'counted from individual posts';
}
