import { clsx } from 'clsx';
import type { ReactNode } from 'react';
import { ChangeMark } from '@/components/ui/change-mark';
import { ExploreLink } from '@/components/ui/explore-link';
import type { Change } from '@/lib/compare';
import type { Headline } from '@/lib/headlines';

const COLUMNS = {
  4: 'lg:grid-cols-4',
  5: 'lg:grid-cols-5',
  6: 'sm:grid-cols-3 xl:grid-cols-6',
} as const;

interface HeadlineStripProps {
  label: string;
  /** On a wide screen; a phone shows two. */
  columns: keyof typeof COLUMNS;
  children: ReactNode;
}

/** The figures that a page leads with, as `HeadlineCell`s. */
export function HeadlineStrip({ label, columns, children }: HeadlineStripProps) {
  return (
    <dl
      aria-label={label}
      className={clsx(
        'grid grid-cols-2 gap-px overflow-hidden rounded-md border border-line bg-line shadow-panel',
        'max-lg:[&>:last-child:nth-child(odd)]:col-span-2',
        COLUMNS[columns],
      )}
    >
      {children}
    </dl>
  );
}

interface HeadlineCellProps extends Omit<Headline, 'change' | 'was'> {
  change?: Change;
  was?: string | null;
  /** The trend of the figure. */
  spark?: ReactNode;
  /** Links the figure to the posts behind it. */
  search?: Record<string, string>;
  /** Filters the page to the posts behind the figure. */
  onNarrow?: () => void;
}

/** A figure, its change since the previous period, and what it was then. */
export function HeadlineCell(props: HeadlineCellProps) {
  const { name, value, change = null, bad, was, note, comparedWith, spark } = props;
  const caption = [was, note].filter(Boolean).join(' · ');
  return (
    <div className="flex min-w-0 flex-col bg-surface px-4 py-2.5">
      <dt className="caption">{name}</dt>
      <dd className="flex min-w-0 items-end justify-between gap-2">
        <span
          className={clsx(
            'text-xl leading-8 font-semibold tracking-tight whitespace-nowrap',
            value === null ? 'text-ink-faint' : 'text-ink',
          )}
        >
          <Value {...props} />
        </span>
        <ChangeMark
          change={change}
          comparedWith={comparedWith}
          {...(bad && { bad })}
          className="mb-1"
        />
        <span className="mb-1 hidden min-w-0 flex-1 justify-end min-[420px]:flex">{spark}</span>
      </dd>
      {(was !== undefined || note !== undefined) && (
        <dd className="caption truncate" title={caption || undefined}>
          {caption || '\u00a0'}
        </dd>
      )}
    </div>
  );
}

function Value({ value, search, onNarrow }: HeadlineCellProps) {
  if (value === null) return '–';
  if (search !== undefined) {
    return (
      <ExploreLink search={search} title="Show these posts" className={LINK}>
        {value}
      </ExploreLink>
    );
  }
  if (onNarrow === undefined) return value;
  return (
    <button type="button" title="Show only these posts" className={LINK} onClick={onNarrow}>
      {value}
    </button>
  );
}

const LINK =
  'rounded-md underline decoration-line-strong decoration-1 underline-offset-4 hover:decoration-brand';
