import { clsx } from 'clsx';
import { ChangeMark } from '@/components/ui/change-mark';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { Select } from '@/components/ui/select';
import { useBreakdown } from '@/features/explore/api/use-sums';
import { describeSample } from '@/features/explore/model/sample';
import type { BreakdownItem } from '@/features/explore/api/wire';
import { DIMENSIONS, type Dimension } from '@/features/explore/model/filters';
import { comparesPeriods, type ExploreQuery } from '@/features/explore/model/query';
import { nameOf, DIMENSION_NAMES } from '@/features/explore/model/names';
import { COMPARED_MIN, compareCounts } from '@/lib/compare';
import { formatCount, formatShare, formatSigned } from '@/lib/format';

interface BreakdownPanelProps {
  query: ExploreQuery;
  onBy: (by: Dimension) => void;
  /** Filters the page by a key; undefined removes the filter. */
  onNarrow: (by: Dimension, key: string | undefined) => void;
  className?: string;
}

/**
 * The posts by one dimension; each row filters the page, and filters no longer when it is pressed again.
 *
 * A filter by the same dimension does not apply here: every share would be 100%.
 */
export function BreakdownPanel({ query, onBy, onNarrow, className }: BreakdownPanelProps) {
  const breakdown = useBreakdown(query);
  const { data, isPending, isPlaceholderData } = breakdown;
  const items = data?.by === query.by ? data.items : [];
  const largest = Math.max(...items.map(({ count }) => count), 1);
  const [chosen, excluded] = [query.filters[query.by], query.filters[`${query.by}_not`]];
  const isFiltered = chosen !== undefined || excluded !== undefined;
  const notes = [
    describeSample(data?.sample),
    isFiltered && `ignores the ${DIMENSION_NAMES[query.by].toLowerCase()} filter`,
  ].filter(Boolean);
  return (
    <Panel
      title="Breakdown"
      note={notes.join(' · ') || undefined}
      exported={() => tableOf(query.by, items)}
      className={className ?? ''}
      actions={
        <Select
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
        </Select>
      }
    >
      <QueryStatus
        query={{ ...breakdown, isPending: isPending || (isPlaceholderData && items.length === 0) }}
        what="breakdown"
        rows={6}
      />
      {data?.by === query.by && items.length === 0 && <Empty title="No data for this breakdown" />}
      {items.length > 0 && <Heads by={query.by} isCompared={comparesPeriods(query)} />}
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
            isChosen={
              isFiltered ? (chosen?.includes(item.key) ?? !excluded?.includes(item.key)) : null
            }
            onNarrow={() => onNarrow(query.by, chosen?.includes(item.key) ? undefined : item.key)}
          />
        ))}
      </ul>
    </Panel>
  );
}

function tableOf(by: Dimension, items: readonly BreakdownItem[]) {
  return {
    heads: [DIMENSION_NAMES[by], 'Posts', 'Share (%)', 'Previous posts', 'Average'],
    rows: items.map(({ key, count, share, previous_count, sentiment }) => [
      nameOf(by, key),
      count,
      share * 100,
      previous_count ?? null,
      sentiment?.average ?? null,
    ]),
  };
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
  /** Whether the page is filtered by this row; null if it is filtered by none. */
  isChosen: boolean | null;
  onNarrow: () => void;
}

function Row({ item, by, largest, isChosen, onNarrow }: RowProps) {
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
            <ChangeMark change={compareCounts(count, previous_count)} />
          </span>
        )}
        {sentiment != null && (
          <span
            className={clsx(
              'w-11 shrink-0 text-right text-xs font-medium',
              toneOf(sentiment.average, count),
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
          style={{
            width: `${(count / largest) * 100}%`,
            background: colourOf(by, key),
            opacity: isChosen === false ? 0.4 : 1,
          }}
        />
      </span>
    </>
  );
  return (
    <li>
      <button
        type="button"
        onClick={onNarrow}
        title={isChosen ? 'Remove this filter' : `Show only ${name}`}
        aria-pressed={isChosen ?? undefined}
        className={clsx(
          'block w-full rounded-md px-2 py-1.5 text-left text-sm hover:bg-sunken',
          isChosen === true && 'bg-highlight',
        )}
      >
        {content}
      </button>
    </li>
  );
}

/** An average of a few posts is not coloured: it says little. */
function toneOf(average: number | null | undefined, count: number): string {
  if (typeof average !== 'number' || Math.abs(average) < 0.05) return 'text-ink-soft';
  if (count < COMPARED_MIN) return 'text-ink-soft';
  return average > 0 ? 'text-positive' : 'text-negative';
}

function colourOf(by: Dimension, key: string): string {
  return by === 'label' ? `var(--${key})` : 'var(--brand)';
}
