import { clsx } from 'clsx';
import type { ReactNode } from 'react';
import { Exportable } from '@/components/export/exportable';
import { Badge } from '@/components/ui/badge';
import { ExploreLink } from '@/components/ui/explore-link';
import { Empty } from '@/components/ui/notice';
import { QueryStatus } from '@/components/ui/query-status';
import { Segmented } from '@/components/ui/segmented';
import { useAuthor, type AuthorProfile } from '@/features/authors/api/use-author';
import { AuthorHeadline } from '@/features/authors/components/author-headline';
import { AuthorHistory } from '@/features/authors/components/author-history';
import { AuthorProducts } from '@/features/authors/components/author-products';
import { AuthorTopPosts } from '@/features/authors/components/author-top-posts';
import {
  exploreSearch,
  WINDOW_NAMES,
  WINDOWS,
  type AuthorQuery,
} from '@/features/authors/model/query';
import { capitalize, formatCount } from '@/lib/format';
import { formatDate } from '@/lib/time';

interface AuthorViewProps {
  query: AuthorQuery;
  onChange: (query: AuthorQuery) => void;
  /** The list of posts, which belongs to another feature. */
  posts: ReactNode;
}

const OPTIONS = WINDOWS.map((value) => ({
  value,
  text: value.replace(/(\d+)/, '$1 '),
  name: capitalize(WINDOW_NAMES[value]),
}));

/** What an author posts, how it is received, and what it is about. */
export function AuthorView({ query, onChange, posts }: AuthorViewProps) {
  const profile = useAuthor(query);
  const { data, isPlaceholderData } = profile;
  const gone = (
    <Empty title="Author not found">
      No stored post is by this author. Posts are kept for a limited time.
    </Empty>
  );
  const range = data?.range;
  return (
    <Exportable
      scope={
        range === undefined
          ? null
          : {
              ...{ from: range.from, to: range.to, zone: data?.tz ?? 'UTC' },
              span: WINDOW_NAMES[query.window],
              filters: [`author ${query.author}`, `platform ${query.platform}`],
            }
      }
      className="flex flex-col gap-3"
    >
      <header className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="min-w-0 text-base font-semibold wrap-anywhere">
          <bdi>
            {data?.account.handle ? `@${data.account.handle.replace(/^@/, '')}` : query.author}
          </bdi>
        </h1>
        <Badge>{query.platform}</Badge>
        {data !== undefined && <Facts profile={data} />}
        <div className="ml-auto flex flex-wrap items-center gap-2">
          <Segmented
            label="Period"
            value={query.window}
            options={OPTIONS}
            onChange={(window) => onChange({ ...query, window })}
          />
          <ExploreLink search={exploreSearch(query)} className="text-sm">
            Open in Explore
          </ExploreLink>
        </div>
      </header>
      <QueryStatus query={profile} what="author" rows={8} gone={gone} />
      {data !== undefined && (
        <div
          className={clsx('flex flex-col gap-3', isPlaceholderData && 'opacity-60')}
          aria-busy={isPlaceholderData}
        >
          <AuthorHeadline profile={data} search={(more) => exploreSearch(query, more)} />
          <AuthorHistory profile={data} />
          <div className="grid items-start gap-3 min-[1000px]:grid-cols-[minmax(0,5fr)_minmax(0,7fr)]">
            <AuthorProducts
              profile={data}
              search={(product) => exploreSearch(query, { product })}
            />
            <AuthorTopPosts
              posts={data.top_posts}
              onOpen={(post) => onChange({ ...query, post })}
            />
          </div>
          {posts}
        </div>
      )}
    </Exportable>
  );
}

function Facts({ profile: { account, first_seen, last_seen } }: { profile: AuthorProfile }) {
  const facts = [
    account.followers != null && `${formatCount(account.followers)} followers`,
    account.location,
    `first post ${formatDate(first_seen)}`,
    `latest ${formatDate(last_seen)}`,
  ];
  return <p className="caption min-w-0 wrap-anywhere">{facts.filter(Boolean).join(' · ')}</p>;
}
