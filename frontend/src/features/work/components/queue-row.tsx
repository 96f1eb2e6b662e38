import { clsx } from 'clsx';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import type { QueuedPost } from '@/features/work/api/wire';
import { OriginalLink } from '@/features/work/components/original-link';
import { WorkBadges } from '@/features/work/components/work-badges';
import { useWork } from '@/features/work/model/work-store';
import { formatAge, formatCount } from '@/lib/format';
import { useMay } from '@/lib/me';
import { handleOf } from '@/lib/post';
import { formatDate } from '@/lib/time';

interface QueueRowProps {
  item: QueuedPost;
  now: number;
  isSelected: boolean;
  isBusy: boolean;
  onSelect: (isSelected: boolean) => void;
  onOpen: () => void;
  onAnswered: () => void;
}

/** A post in the queue. Its text opens the details. What is done stays in place, dimmed, until the list is loaded again. */
export function QueueRow(props: QueueRowProps) {
  const { item, now, isSelected, isBusy, onSelect, onOpen, onAnswered } = props;
  const { post, score, corrected_label } = item;
  const { label, uncertain } = score.sentiment;
  const { status } = useWork(item);
  const canWork = useMay()('change_work_on_posts');
  const isFinished = status === 'answered' || status === 'closed';
  return (
    <li
      className={clsx(
        'flex flex-wrap items-start gap-x-3 gap-y-2 border-t border-line px-4 py-2.5',
        {
          'bg-sunken': isFinished,
        },
      )}
    >
      {canWork && (
        <Checkbox
          className="mt-0.5"
          label={`Select: ${post.text}`}
          checked={isSelected}
          onChange={onSelect}
        />
      )}
      <div className="min-w-0 flex-1 basis-60">
        <p className="caption flex items-center gap-1.5">
          <SentimentMark
            label={corrected_label ?? label}
            uncertain={!corrected_label && uncertain}
          />
          <span className="min-w-0 truncate">
            {[post.platform, handleOf(post), post.reach > 0 && `reach ${formatCount(post.reach)}`]
              .filter(Boolean)
              .join(' · ')}
          </span>
          <time
            className="ml-auto shrink-0"
            dateTime={post.created_at}
            title={formatDate(post.created_at)}
          >
            {formatAge(post.created_at, now)}
          </time>
        </p>
        <button
          type="button"
          data-post={post.uuid}
          aria-haspopup="dialog"
          className="mt-0.5 block w-full rounded-md text-left text-sm leading-snug break-words hover:underline"
          lang={post.lang ?? undefined}
          dir="auto"
          onClick={onOpen}
        >
          {post.text}
        </button>
        <p className="mt-1 flex flex-wrap items-center gap-1.5">
          {post.products.map((product) => (
            <Badge key={product} tone="brand">
              {product}
            </Badge>
          ))}
          <WorkBadges item={item} isQueue />
        </p>
      </div>
      <p className="flex items-center gap-3 max-sm:pl-7">
        <OriginalLink post={post} />
        {canWork && !isFinished && (
          <Button disabled={isBusy} aria-label={`Answered: ${post.text}`} onClick={onAnswered}>
            Answered
          </Button>
        )}
      </p>
    </li>
  );
}
