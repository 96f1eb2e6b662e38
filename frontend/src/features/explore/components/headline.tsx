import type { SeriesAnswer } from '@/features/explore/api/wire';
import type { FilterKey } from '@/features/explore/model/query';
import { formatChange, formatPoints, totalOf } from '@/features/explore/model/totals';
import { formatCount, formatShare, formatSigned } from '@/lib/format';
import { HIGH_CHURN } from '@/lib/post';

interface HeadlineProps {
  series: SeriesAnswer;
  onNarrow: (key: FilterKey, value: string) => void;
}

/** The period in four numbers, each with its change since the previous period. */
export function Headline({ series, onNarrow }: HeadlineProps) {
  const now = totalOf(series.items);
  const previous = series.previous == null ? null : totalOf(series.previous);
  // A comparison with a period without posts would be meaningless.
  const before = previous !== null && previous.count > 0 ? previous : null;
  const share = (value: number | null) => (value === null ? '–' : formatShare(value, 1));
  return (
    <dl className="grid grid-cols-2 overflow-hidden rounded-xl border border-line bg-surface shadow-panel lg:grid-cols-4">
      <Figure
        name="Posts"
        value={formatCount(now.count)}
        change={previous && (before ? formatChange(now.count, before.count) : '')}
        was={previous && (before ? formatCount(before.count) : 'none previously')}
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
        onNarrow={() => onNarrow('label', 'negative')}
      />
      <Figure
        name="High churn risk"
        value={formatCount(now.highChurn)}
        change={before && formatChange(now.highChurn, before.highChurn)}
        was={before && formatCount(before.highChurn)}
        onNarrow={() => onNarrow('min_churn', String(HIGH_CHURN))}
      />
    </dl>
  );
}

const NUMBER = 'text-[22px] leading-tight font-semibold';

interface FigureProps {
  name: string;
  value: string;
  change: string | null;
  was: string | null;
  /** Filters the page to the counted posts. */
  onNarrow?: () => void;
}

function Figure({ name, value, change, was, onNarrow }: FigureProps) {
  return (
    <div className="min-w-0 border-line px-4 py-2.5 not-first:border-l max-lg:nth-3:border-l-0 max-lg:nth-[n+3]:border-t">
      <dt className="caption">{name}</dt>
      <dd className="flex flex-wrap items-baseline gap-x-2">
        {onNarrow === undefined ? (
          <span className={NUMBER}>{value}</span>
        ) : (
          <button
            type="button"
            title="Show only these posts"
            className={`${NUMBER} rounded underline decoration-line-strong decoration-1 underline-offset-4 hover:decoration-brand`}
            onClick={onNarrow}
          >
            {value}
          </button>
        )}
        {change !== null && (
          <span className="caption whitespace-nowrap">
            {change === '' ? (
              was
            ) : (
              <>
                <span className="font-semibold text-ink">{change}</span> was {was}
              </>
            )}
          </span>
        )}
      </dd>
    </div>
  );
}
