import { Panel } from '@/components/ui/panel';
import { PostItem } from '@/features/live-feed/components/post-item';
import { useHeldList } from '@/features/live-feed/components/use-held-list';
import { usePinnedScroll } from '@/features/live-feed/components/use-pinned-scroll';
import { useNow } from '@/lib/use-now';
import type { ShownPost } from '@/live/feed';

interface FeedPanelProps {
  posts: readonly ShownPost[];
  /** Posts received for each one shown. */
  oneIn: number;
  isFiltered: boolean;
  /** When the page was paused; null while it is live. */
  pausedAt?: number | null;
  className?: string;
}

const uuidOf = ({ post }: ShownPost) => post.uuid;

/** The live feed, newest first. */
export function FeedPanel({
  posts,
  oneIn,
  isFiltered,
  pausedAt = null,
  className,
}: FeedPanelProps) {
  const now = useNow(1_000, pausedAt);
  const { shown, isHeld, handlers } = useHeldList(posts, uuidOf);
  const pinned = usePinnedScroll(shown);
  return (
    <Panel
      title="Live feed"
      note={isHeld ? 'paused while you read' : describeSampling(oneIn)}
      exported={async () => {
        const { tableOfPosts } = await import('@/components/export/posts');
        return tableOfPosts(shown);
      }}
      className={className ?? ''}
    >
      {posts.length === 0 ? (
        <p className="py-6 text-ink-soft">
          {isFiltered
            ? 'No posts match these filters yet. New ones appear here automatically.'
            : 'No posts yet. New ones appear here automatically.'}
        </p>
      ) : (
        // Not a live region: several posts a second would overwhelm a screen reader.
        <ol
          className="thin-scroll -mx-4 min-h-0 flex-1 overflow-y-auto border-t border-line"
          aria-label="Posts, newest first"
          tabIndex={0}
          {...handlers}
          {...pinned}
        >
          {shown.map((scored) => (
            <PostItem key={scored.post.uuid} scored={scored} now={now} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

/** Says how many posts the list leaves out. */
export function describeSampling(oneIn: number): string {
  return oneIn > 1 ? `sampled: showing 1 in ${oneIn}` : 'every post';
}
