import { clsx } from 'clsx';
import { use } from 'react';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { Segmented } from '@/components/ui/segmented';
import { usePosts } from '@/features/explore/api/use-posts';
import { PostRow } from '@/features/explore/components/post-row';
import { canOrder, ORDERS, type ExploreQuery, type Order } from '@/features/explore/model/query';
import { WorkPartsContext } from '@/features/explore/model/work-parts';
import { capitalize } from '@/lib/format';
import { useNow } from '@/lib/use-now';
import { useSelection } from '@/lib/use-selection';

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
  const options = OPTIONS.filter(({ value }) => canOrder(query, value));
  const order = canOrder(query) ? query.order : 'newest';
  const work = use(WorkPartsContext);
  const { selected, isSelected, choose, select } = useSelection(items, ({ post }) => post.uuid);
  return (
    <Panel
      title="Posts"
      exported={async () => {
        const { tableOfPosts } = await import('@/components/export/posts');
        return tableOfPosts(items);
      }}
      className={className ?? ''}
      actions={<Segmented label="Sort by" value={order} options={options} onChange={onOrder} />}
    >
      {options.length < OPTIONS.length && (
        <p className="caption mt-1">
          To sort by virality or growth, choose a period of up to seven days.
        </p>
      )}
      {order === 'engagement' && (
        <p className="caption mt-1">
          By likes, shares and comments as last reported. Posts of unknown engagement come last.
        </p>
      )}
      <QueryStatus query={posts} what="posts" rows={8} />
      {posts.data !== undefined && items.length === 0 && (
        <Empty title="No matching posts">
          Remove a filter, search for fewer words, or choose a longer period.
        </Empty>
      )}
      {work !== null && items.length > 0 && (
        <work.Bar items={items} selected={selected} onSelect={choose} />
      )}
      <ol
        aria-label={order === 'newest' ? 'Posts, newest first' : `Posts, sorted by ${order}`}
        className={clsx(
          '-mx-4',
          work === null ? 'mt-1.5' : '-mt-px',
          posts.isPlaceholderData && 'opacity-60',
        )}
      >
        {items.map((item) => (
          <PostRow
            key={item.post.uuid}
            isRanked={order === 'engagement'}
            item={item}
            now={now}
            tz={query.tz}
            onOpen={onOpen}
            selection={{
              isSelected: isSelected(item),
              onSelect: (isOn) => select(item, isOn),
            }}
          />
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
