import type { SeriesAnswer } from '@/features/explore/api/wire';
import { nameOf } from '@/features/explore/model/names';
import type { ExploreQuery } from '@/features/explore/model/query';
import { formatRange } from '@/lib/time';

/** `a week earlier`, `Tide Card`: what a page is compared with; undefined for the previous period. */
export function nameComparison(
  { compare, tz }: ExploreQuery,
  series: SeriesAnswer | undefined,
): string | undefined {
  switch (compare.kind) {
    case 'week':
      return 'a week earlier';
    case 'value':
      return nameOf(compare.by, compare.key);
    case 'from': {
      const range = series?.previous_range;
      return range == null ? undefined : formatRange(range.from, range.to, tz);
    }
    default:
      return undefined;
  }
}
