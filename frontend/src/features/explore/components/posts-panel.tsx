import { clsx } from 'clsx';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { Segmented } from '@/components/ui/segmented';
import { usePosts } from '@/features/explore/api/use-posts';
import { PostRow } from '@/features/explore/components/post-row';
import { canOrder, ORDERS, type ExploreQuery, type Order } from '@/features/explore/model/query';
import { capitalize } from '@/lib/format';
import { useNow } from '@/lib/use-now';

interface PostsPanelProps {
  query: ExploreQuery;
  onOrder: (order: Order) => void;
  onOpen: (uuid: string) => void;
  className?: string;
}

const OPTIONS = ORDERS.map((value) => ({ value, text: capitalize(value) }));

/** The posts that match the query. */
export function PostsPanel({ query, onOrder, onOpen, className }: PostsPanelProps) {
  const posts = usePosts(query);
  const now = useNow(30_000);
  const items = posts.data?.pages.flatMap((page) => page.items) ?? [];
  const isTimeOrderOnly = !canOrder(query);
  return (
    <Panel
      title="Posts"
      className={className ?? ''}
      actions={
        <Segmented
          label="Sort by"
          value={isTimeOrderOnly ? 'newest' : query.order}
          options={isTimeOrderOnly ? OPTIONS.slice(0, 1) : OPTIONS}
          onChange={onOrder}
        />
      }
    >
      {isTimeOrderOnly && (
        <p className="caption mt-1">
          To sort by anything other than time, choose a period of up to seven days.
        </p>
      )}
      <QueryStatus query={posts} what="posts" rows={8} />
      {posts.data !== undefined && items.length === 0 && (
        <Empty title="No matching posts">
          Remove a filter, search for fewer words, or choose a longer period.
        </Empty>
      )}
      <ol
        aria-label={
          query.order === 'newest' ? 'Posts, newest first' : `Posts, sorted by ${query.order}`
        }
        className={clsx('-mx-4 mt-1.5', posts.isPlaceholderData && 'opacity-60')}
      >
        {items.map((item) => (
          <PostRow key={item.post.uuid} item={item} now={now} tz={query.tz} onOpen={onOpen} />
        ))}
      </ol>
      {posts.hasNextPage && (
        <Button
          className="mt-2 self-center"
          disabled={posts.isFetchingNextPage}
          onClick={() => void posts.fetchNextPage()}
        >
          {posts.isFetchingNextPage ? 'Loading…' : 'Show more'}
        </Button>
      )}
    </Panel>
  );
}
