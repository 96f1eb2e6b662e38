import { Button } from '@/components/ui/button';
import { ExploreLink } from '@/components/ui/explore-link';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { Sheet } from '@/components/ui/sheet';
import type { QueuedPost } from '@/features/work/api/wire';
import { OriginalLink } from '@/features/work/components/original-link';
import { WorkPanel } from '@/features/work/components/work-panel';
import { isTyping } from '@/features/work/model/keys';
import { handleOf } from '@/lib/post';
import { formatDate } from '@/lib/time';

interface QueueSheetProps {
  items: readonly QueuedPost[];
  /** The post that is shown, one of `items`. */
  place: number;
  onMove: (place: number) => void;
  onClose: () => void;
}

/** A post in the queue and the work on it. J and K go to the next and the previous post. */
export function QueueSheet({ items, place, onMove, onClose }: QueueSheetProps) {
  const item = items[place];
  if (item === undefined) return null;
  const { post, score } = item;
  const move = (to: number) => {
    if (to >= 0 && to < items.length) onMove(to);
  };
  return (
    // Events inside the sheet bubble here, although it is drawn elsewhere.
    <div
      role="presentation"
      onKeyDown={(event) => {
        if (isTyping(event)) return;
        if (event.key === 'j') move(place + 1);
        if (event.key === 'k') move(place - 1);
      }}
    >
      <Sheet
        title={`Post ${place + 1} of ${items.length}`}
        description="Press J or K for the next or previous post."
        onClose={onClose}
        footer={
          <>
            <Button
              className="mr-auto"
              disabled={place === 0}
              aria-keyshortcuts="k"
              onClick={() => move(place - 1)}
            >
              Previous
            </Button>
            <ExploreLink className="text-sm" search={{ window: '7d', post: post.uuid }}>
              Scores and details
            </ExploreLink>
            <Button
              disabled={place === items.length - 1}
              aria-keyshortcuts="j"
              onClick={() => move(place + 1)}
            >
              Next
            </Button>
          </>
        }
      >
        <article className="mb-4">
          <p className="caption flex flex-wrap items-center gap-x-2 gap-y-1">
            <SentimentMark label={score.sentiment.label} uncertain={score.sentiment.uncertain} />
            <span>{[post.platform, handleOf(post)].filter(Boolean).join(' · ')}</span>
            <time dateTime={post.created_at}>{formatDate(post.created_at)}</time>
            <OriginalLink post={post} />
          </p>
          <p
            className="mt-1.5 text-base leading-relaxed break-words whitespace-pre-wrap"
            lang={post.lang ?? undefined}
            dir="auto"
          >
            {post.text}
          </p>
        </article>
        <WorkPanel key={post.uuid} uuid={post.uuid} />
      </Sheet>
    </div>
  );
}
