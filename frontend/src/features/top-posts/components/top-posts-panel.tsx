import type { ScoredPost } from '@/api/wire';
import { AuthorLink } from '@/components/ui/author-link';
import { ExploreLink } from '@/components/ui/explore-link';
import { Failure, Skeleton } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { Segmented } from '@/components/ui/segmented';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { useTopPosts } from '@/features/top-posts/api/use-top-posts';
import type { Drill } from '@/lib/drill';
import { formatAge, formatDuration } from '@/lib/format';
import { useNow } from '@/lib/use-now';
import type { TopOrder, View } from '@/lib/view';

const ORDERS = [
  { value: 'virality', text: 'Viral', name: 'Viral: most likely to spread' },
  { value: 'rising', text: 'Rising', name: 'Rising: gaining fastest' },
  { value: 'engagement', text: 'Popular', name: 'Popular: most likes, shares and comments' },
] as const satisfies readonly { value: TopOrder; text: string; name: string }[];

/** Shown if there are no posts. */
const EMPTY_TEXTS: Record<TopOrder, string> = {
  virality: 'No matching posts in this period.',
  rising: 'No posts have gained likes, shares or comments since they were stored.',
  engagement: 'No matching posts in this period.',
};

interface TopPostsPanelProps {
  view: View;
  window: { to: string; seconds: number };
  drill: Drill;
  /** When the page was paused; null while it is live. */
  pausedAt?: number | null;
  onOrder: (order: TopOrder) => void;
}

/** The posts most likely to spread, rising fastest, or with the most engagement. */
export function TopPostsPanel({
  view,
  window,
  drill,
  pausedAt = null,
  onOrder,
}: TopPostsPanelProps) {
  const order = view.top ?? 'virality';
  const { posts, period, seconds, error, isPending } = useTopPosts({
    view,
    ...window,
    paused: pausedAt !== null,
  });
  const now = useNow(30_000, pausedAt);
  return (
    <Panel
      title="Top posts"
      note={formatDuration(seconds)}
      exported={async () => {
        const { tableOfPosts } = await import('@/components/export/posts');
        return tableOfPosts(posts ?? []);
      }}
      className="min-h-0 flex-1"
      actions={<Segmented label="Sort by" value={order} options={ORDERS} onChange={onOrder} />}
    >
      {isPending && <Skeleton rows={6} label="Loading top posts" />}
      {error !== null && posts === null && (
        <Failure what="The top posts could not be loaded" error={error} />
      )}
      {posts?.length === 0 && <p className="py-3 text-sm text-ink-soft">{EMPTY_TEXTS[order]}</p>}
      <ol
        className="thin-scroll -mx-2 mt-1 min-h-0 flex-1 overflow-y-auto"
        aria-label="Top posts"
        tabIndex={posts !== null && posts.length > 0 ? 0 : -1}
      >
        {posts?.map((scored) => (
          <TopPost
            key={scored.post.uuid}
            scored={scored}
            now={now}
            search={drill.searchOf({ ...period, order, post: scored.post.uuid })}
          />
        ))}
      </ol>
    </Panel>
  );
}

interface TopPostProps {
  scored: ScoredPost;
  now: number;
  search: Record<string, string>;
}

function TopPost({ scored: { post, score }, now, search }: TopPostProps) {
  return (
    <li className="relative">
      <ExploreLink
        search={search}
        className="block rounded-md px-2 py-1.5 pb-7 no-underline! hover:bg-sunken"
      >
        <span className="line-clamp-2 text-sm leading-snug break-words" dir="auto">
          {post.text}
        </span>
      </ExploreLink>
      {/* Over the link, because a link cannot contain another. */}
      <p className="caption pointer-events-none absolute inset-x-2 bottom-1.5 flex items-center gap-1.5 [&_a]:pointer-events-auto">
        <SentimentMark label={score.sentiment.label} uncertain={score.sentiment.uncertain} />
        <span className="min-w-0 truncate">
          {post.platform}
          <AuthorLink post={post} lead=" · " />
        </span>
        <time dateTime={post.created_at} className="shrink-0">
          {formatAge(post.created_at, now)}
        </time>
        <span className="ml-auto shrink-0">
          virality <span className="font-semibold text-ink">{Math.round(score.virality)}</span>
        </span>
      </p>
    </li>
  );
}
