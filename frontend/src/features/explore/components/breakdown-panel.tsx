import { clsx } from 'clsx';
import { NativeSelect } from '@/components/ui/field';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { useBreakdown } from '@/features/explore/api/use-sums';
import type { BreakdownItem } from '@/features/explore/api/wire';
import { DIMENSIONS, type Dimension, type ExploreQuery } from '@/features/explore/model/query';
import { formatChange } from '@/features/explore/model/totals';
import { nameOf, DIMENSION_NAMES } from '@/features/explore/model/names';
import { formatCount, formatShare, formatSigned } from '@/lib/format';

interface BreakdownPanelProps {
  query: ExploreQuery;
  onBy: (by: Dimension) => void;
  onNarrow: (by: Dimension, key: string) => void;
  className?: string;
}

/** The posts by one dimension; each row filters the page. */
export function BreakdownPanel({ query, onBy, onNarrow, className }: BreakdownPanelProps) {
  const breakdown = useBreakdown(query);
  const { data, isPending, isPlaceholderData } = breakdown;
  const items = data?.by === query.by ? data.items : [];
  const largest = Math.max(...items.map(({ count }) => count), 1);
  return (
    <Panel
      title="Breakdown"
      className={className ?? ''}
      actions={
        <NativeSelect
          aria-label="Break down by"
          className="w-36"
          value={query.by}
          onChange={({ target }) => onBy(target.value as Dimension)}
        >
          {DIMENSIONS.map((by) => (
            <option key={by} value={by}>
              {DIMENSION_NAMES[by]}
            </option>
          ))}
        </NativeSelect>
      }
    >
      <QueryStatus
        query={{ ...breakdown, isPending: isPending || (isPlaceholderData && items.length === 0) }}
        what="breakdown"
        rows={6}
      />
      {data?.by === query.by && items.length === 0 && <Empty title="No posts to break down" />}
      {items.length > 0 && <Heads by={query.by} isCompared={query.compare} />}
      <ul
        aria-label={`Posts by ${DIMENSION_NAMES[query.by].toLowerCase()}`}
        className={clsx('-mx-2', isPlaceholderData && 'opacity-60')}
      >
        {items.map((item) => (
          <Row
            key={item.key}
            item={item}
            by={query.by}
            largest={largest}
            onNarrow={() => onNarrow(query.by, item.key)}
          />
        ))}
      </ul>
    </Panel>
  );
}

/** Column heads. Hidden from screen readers; the rows have titles. */
function Heads({ by, isCompared }: { by: Dimension; isCompared: boolean }) {
  return (
    <p className="caption mt-1.5 flex gap-2" aria-hidden="true">
      <span className="ml-auto">posts</span>
      <span className="w-9 text-right">share</span>
      {isCompared && <span className="w-11 text-right">change</span>}
      {by !== 'label' && by !== 'emotion' && <span className="w-11 text-right">avg.</span>}
    </p>
  );
}

interface RowProps {
  item: BreakdownItem;
  by: Dimension;
  largest: number;
  onNarrow: () => void;
}

function Row({ item, by, largest, onNarrow }: RowProps) {
  const { key, count, share, previous_count, sentiment } = item;
  const name = nameOf(by, key);
  const content = (
    <>
      <span className="flex items-baseline gap-2">
        <span className="min-w-0 truncate font-medium">{name}</span>
        <span className="ml-auto shrink-0 font-semibold">{formatCount(count)}</span>
        <span className="caption w-9 shrink-0 text-right">{formatShare(share, 1)}</span>
        {previous_count != null && (
          <span
            className="caption w-11 shrink-0 text-right"
            title={`${formatCount(previous_count)} in the previous period`}
          >
            {formatChange(count, previous_count)}
          </span>
        )}
        {sentiment != null && (
          <span
            className={clsx(
              'w-11 shrink-0 text-right text-[12.5px] font-medium',
              toneOf(sentiment.average),
            )}
            title="Average sentiment"
          >
            {formatSigned(sentiment.average)}
          </span>
        )}
      </span>
      <span className="mt-1 block h-1.5 rounded-full bg-sunken" aria-hidden="true">
        <span
          className="block h-1.5 rounded-full"
          style={{ width: `${(count / largest) * 100}%`, background: colourOf(by, key) }}
        />
      </span>
    </>
  );
  return (
    <li>
      <button
        type="button"
        onClick={onNarrow}
        title={`Show only ${name}`}
        className="block w-full rounded-md px-2 py-1.5 text-left text-[13px] hover:bg-sunken"
      >
        {content}
      </button>
    </li>
  );
}

function toneOf(average: number | null | undefined): string {
  if (typeof average !== 'number' || Math.abs(average) < 0.05) return 'text-ink-soft';
  return average > 0 ? 'text-positive' : 'text-negative';
}

function colourOf(by: Dimension, key: string): string {
  return by === 'label' ? `var(--${key})` : 'var(--brand)';
}
