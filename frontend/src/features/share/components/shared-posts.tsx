import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { useSharedPosts, type SharedView } from '@/features/share/api/use-shared';
import { handleOf } from '@/lib/post';
import { formatDate } from '@/lib/time';

/** The posts of the view as plain text: nothing in them can be opened. */
export function SharedPosts({ page }: { page: SharedView['page'] }) {
  const posts = useSharedPosts(page);
  const items = posts.data?.pages.flatMap((one) => one.items) ?? [];
  return (
    <Panel title="Posts">
      <QueryStatus query={posts} what="posts" rows={8} />
      {posts.data !== undefined && items.length === 0 && <Empty title="No posts in this period" />}
      <ol aria-label="Posts, newest first" className="-mx-4 mt-1.5">
        {items.map(({ post, score, corrected_label }) => (
          <li key={post.uuid} className="border-t border-line px-4 py-2">
            <p className="caption flex items-center gap-1.5">
              <SentimentMark label={corrected_label ?? score.sentiment.label} />
              <span className="min-w-0 truncate">
                {[post.platform, handleOf(post), post.city].filter(Boolean).join(' · ')}
              </span>
              <time dateTime={post.created_at} className="ml-auto shrink-0">
                {formatDate(post.created_at)}
              </time>
            </p>
            <p
              className="mt-0.5 text-sm leading-snug break-words"
              lang={post.lang ?? undefined}
              dir="auto"
            >
              {post.text}
            </p>
            <p className="mt-1 flex flex-wrap gap-1">
              {post.products.map((product) => (
                <Badge key={product} tone="brand">
                  {product}
                </Badge>
              ))}
            </p>
          </li>
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
