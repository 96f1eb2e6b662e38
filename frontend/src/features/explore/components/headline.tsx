import type { SeriesAnswer } from '@/features/explore/api/wire';
import { formatChange, formatPoints, totalOf } from '@/features/explore/model/totals';
import { formatCount, formatShare, formatSigned } from '@/lib/format';

/** The stretch in four numbers, each beside what it was in the stretch before. */
export function Headline({ series }: { series: SeriesAnswer }) {
  const now = totalOf(series.items);
  const before = series.previous === null ? null : totalOf(series.previous);
  const share = (value: number | null) => (value === null ? '–' : formatShare(value, 1));
  return (
    <dl className="grid grid-cols-2 overflow-hidden rounded-xl border border-line bg-surface shadow-panel lg:grid-cols-4">
      <Figure
        name="Posts"
        value={formatCount(now.count)}
        change={before && formatChange(now.count, before.count)}
        was={before && formatCount(before.count)}
      />
      <Figure
        name="Average sentiment"
        value={formatSigned(now.average)}
        change={
          before &&
          (now.average === null || before.average === null
            ? '–'
            : formatSigned(now.average - before.average))
        }
        was={before && formatSigned(before.average)}
      />
      <Figure
        name="Negative"
        value={share(now.negativeShare)}
        change={before && formatPoints(now.negativeShare, before.negativeShare)}
        was={before && share(before.negativeShare)}
      />
      <Figure
        name="High churn risk"
        value={formatCount(now.highChurn)}
        change={before && formatChange(now.highChurn, before.highChurn)}
        was={before && formatCount(before.highChurn)}
      />
    </dl>
  );
}

interface FigureProps {
  name: string;
  value: string;
  change: string | null;
  was: string | null;
}

function Figure({ name, value, change, was }: FigureProps) {
  return (
    <div className="min-w-0 border-line px-4 py-2.5 not-first:border-l max-lg:nth-3:border-l-0 max-lg:nth-[n+3]:border-t">
      <dt className="caption">{name}</dt>
      <dd className="flex flex-wrap items-baseline gap-x-2">
        <span className="text-[22px] leading-tight font-semibold">{value}</span>
        {change !== null && (
          <span className="caption whitespace-nowrap">
            <span className="font-semibold text-ink">{change}</span> was {was}
          </span>
        )}
      </dd>
    </div>
  );
}
