import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import type { AuthorProfile } from '@/features/authors/api/use-author';
import { formatCount } from '@/lib/format';
import { formatDate } from '@/lib/time';

type Listed = AuthorProfile['top_posts'][number];

interface AuthorTopPostsProps {
  posts: readonly Listed[];
  onOpen: (uuid: string) => void;
}

/** The posts with the most engagement, then the greatest reach. */
export function AuthorTopPosts({ posts, onOpen }: AuthorTopPostsProps) {
  return (
    <Panel
      title="Top posts"
      note="most engagement, then reach"
      exported={async () => {
        const { tableOfPosts } = await import('@/components/export/posts');
        return tableOfPosts(posts);
      }}
    >
      {posts.length === 0 && <Empty title="No posts in this period">Choose a longer period.</Empty>}
      <ol aria-label="Top posts" className="-mx-2">
        {posts.map(({ post, score, corrected_label }) => (
          <li key={post.uuid}>
            <button
              type="button"
              aria-haspopup="dialog"
              className="block w-full rounded-md px-2 py-1.5 text-left hover:bg-sunken"
              onClick={() => onOpen(post.uuid)}
            >
              <span className="line-clamp-2 text-sm leading-snug break-words" dir="auto">
                {post.text}
              </span>
              <span className="caption mt-0.5 flex items-center gap-1.5">
                <SentimentMark label={corrected_label ?? score.sentiment.label} />
                <time dateTime={post.created_at}>{formatDate(post.created_at)}</time>
                <span className="ml-auto">reach {formatCount(post.reach)}</span>
              </span>
            </button>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
