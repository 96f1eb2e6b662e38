import { clsx } from 'clsx';
import type { ReactNode } from 'react';
import { ExploreLink } from '@/components/ui/explore-link';
import type { Explanation } from '@/features/explain/api/use-explanation';
import type { SearchOf } from '@/features/explain/components/explain-sheet';
import { searchFor } from '@/features/explain/model/describe';
import { capitalize, formatCount, formatKey, formatPosts, formatShare } from '@/lib/format';

interface RowProps {
  name: string;
  note?: ReactNode;
  search: ReturnType<SearchOf>;
  title: string;
  children: ReactNode;
}

/** A name with a figure that leads to its posts. */
function Row({ name, note, search, title, children }: RowProps) {
  return (
    <li>
      <ExploreLink
        search={search}
        title={title}
        className="-mx-2 flex items-baseline gap-2 rounded-md px-2 py-1 text-sm no-underline! hover:bg-sunken"
      >
        <span className="min-w-0 flex-1 truncate font-medium" dir="auto">
          {name}
        </span>
        {note !== undefined && <span className="caption shrink-0">{note}</span>}
        <span className="shrink-0 text-right font-semibold tabular-nums">{children}</span>
      </ExploreLink>
    </li>
  );
}

const LIST = 'flex flex-col';

interface ContributionsProps {
  items: Explanation['contributions'];
  searchOf: SearchOf;
}

export function Contributions({ items, searchOf }: ContributionsProps) {
  if (items.length === 0) {
    return <p className="text-sm text-ink-soft">No product, platform, channel or city changed.</p>;
  }
  return (
    <ol className={LIST}>
      {items.map(({ by, key, count, previous_count, change }) => (
        <Row
          key={`${by} ${key}`}
          name={formatKey(key)}
          note={capitalize(by)}
          search={searchOf({ [by]: key })}
          title={`Show ${formatPosts(count)}; ${formatCount(previous_count)} in the period before`}
        >
          {formatCount(count)}{' '}
          <span className={clsx('font-normal', change < 0 && 'text-ink-soft')}>
            ({change > 0 ? '+' : '−'}
            {formatCount(Math.abs(change))})
          </span>
        </Row>
      ))}
    </ol>
  );
}

interface TermsProps {
  items: Explanation['terms'];
  searchOf: SearchOf;
}

export function Terms({ items, searchOf }: TermsProps) {
  if (items.length === 0) return <p className="text-sm text-ink-soft">No term stands out.</p>;
  return (
    <ol className={LIST}>
      {items.map(({ term, count, share, previous_share }) => (
        <Row
          key={term}
          name={term}
          note={`before ${formatShare(previous_share, 1)}`}
          search={searchOf({ q: searchFor(term) })}
          title={`Show posts that mention “${term}”. At least ${formatCount(count)}: search also finds it in hashtags, mentions and links`}
        >
          {formatShare(share, 1)}
        </Row>
      ))}
    </ol>
  );
}

interface AuthorsProps {
  authors: Explanation['authors'];
  searchOf: SearchOf;
}

export function Authors({ authors: { items, share, unknown }, searchOf }: AuthorsProps) {
  return (
    <>
      {items.length > 0 && (
        <p className="caption mb-1">
          {items.length === 1
            ? `One author wrote ${formatShare(share, 1)}`
            : `The ${items.length} most active wrote ${formatShare(share, 1)}`}
          {unknown > 0 && `; ${formatPosts(unknown)} without a known author`}
        </p>
      )}
      <ol className={LIST}>
        {items.map(({ author, posts, share: part, reach }) => (
          <Row
            key={author}
            name={author}
            note={`reach ${formatCount(reach)}`}
            search={searchOf({ author })}
            title={`Show the posts of ${author}`}
          >
            {formatPosts(posts)} ({formatShare(part, 1)})
          </Row>
        ))}
      </ol>
    </>
  );
}
