import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { PostDetails } from '@/api/wire';
import { Empty } from '@/components/ui/notice';
import { AuthorView } from '@/features/authors/components/author-view';
import {
  authorToSearch,
  exploreSearch,
  parseAuthor,
  type AuthorQuery,
} from '@/features/authors/model/query';
import { PostSheet } from '@/features/explore/components/post-sheet';
import { PostsPanel } from '@/features/explore/components/posts-panel';
import { parseQuery, type Order } from '@/features/explore/model/query';
import { PostScores } from '@/features/live-feed/components/post-scores';
import { localZone } from '@/lib/zone';

/** One author. The whole state of the page is in the URL, but for the order of the posts. */
export function AuthorPage() {
  const search = useSearch({ strict: false });
  const query = useMemo(() => parseAuthor(search), [search]);
  useEffect(() => {
    document.title = `${query?.author ?? 'Author'} · Groundswell`;
  }, [query?.author]);
  if (query === null) {
    return (
      <>
        <h1 className="sr-only">Author</h1>
        <Empty title="No author chosen">Open an author from a post.</Empty>
      </>
    );
  }
  return <Author query={query} />;
}

function Author({ query }: { query: AuthorQuery }) {
  const navigate = useNavigate();
  const onChange = useCallback(
    (next: AuthorQuery) => void navigate({ to: '/author', search: authorToSearch(next) }),
    [navigate],
  );
  const [order, setOrder] = useState<Order>('newest');
  const closed = { ...query };
  delete closed.post;
  return (
    <>
      <AuthorView
        query={query}
        onChange={onChange}
        posts={
          <PostsPanel
            query={{ ...parseQuery(exploreSearch(query)), order }}
            onOrder={setOrder}
            onOpen={(post) => onChange({ ...query, post })}
          />
        }
      />
      {query.post !== undefined && (
        <PostSheet
          uuid={query.post}
          tz={localZone()}
          onClose={() => onChange(closed)}
          renderScores={renderScores}
        />
      )}
    </>
  );
}

function renderScores(details: PostDetails) {
  return <PostScores scored={details} />;
}
