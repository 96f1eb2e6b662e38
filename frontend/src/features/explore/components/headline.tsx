import { HeadlineCell, HeadlineStrip } from '@/components/ui/headline-strip';
import type { SeriesAnswer } from '@/features/explore/api/wire';
import type { FilterKey } from '@/features/explore/model/filters';
import { headlinesOf } from '@/lib/headlines';
import { HIGH_CHURN } from '@/lib/post';
import { totalOf } from '@/lib/totals';

interface HeadlineProps {
  /** Undefined while it is loading: the strip has its size from the start. */
  series: SeriesAnswer | undefined;
  /** What the figures are compared with, if not the previous period. */
  comparedWith: string | undefined;
  onNarrow: (key: FilterKey, value: string) => void;
}

/** The period in four numbers, each with its change since the previous period. */
export function Headline({ series, comparedWith, onNarrow }: HeadlineProps) {
  const headlines = headlinesOf(
    series === undefined ? null : totalOf(series.items),
    series?.previous == null ? null : totalOf(series.previous),
    { isEstimate: series?.sample != null, comparedWith },
  );
  return (
    <HeadlineStrip label="Headline numbers" columns={4}>
      <HeadlineCell {...headlines.posts} />
      <HeadlineCell {...headlines.sentiment} />
      <HeadlineCell {...headlines.negative} onNarrow={() => onNarrow('label', 'negative')} />
      <HeadlineCell
        {...headlines.churn}
        onNarrow={() => onNarrow('min_churn', String(HIGH_CHURN))}
      />
    </HeadlineStrip>
  );
}
