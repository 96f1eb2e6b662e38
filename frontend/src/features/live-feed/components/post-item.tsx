import { clsx } from 'clsx';
import { memo, useId, useState } from 'react';
import { AuthorLink } from '@/components/ui/author-link';
import { Badge } from '@/components/ui/badge';
import { ExploreLink } from '@/components/ui/explore-link';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { SourceBadge } from '@/components/ui/source-badge';
import { CorrectionMark } from '@/features/live-feed/components/correction-mark';
import { PostScores } from '@/features/live-feed/components/post-scores';
import { describeCorrection } from '@/features/live-feed/model/describe';
import { formatAge, formatScore, formatSigned, formatConfidence } from '@/lib/format';
import { HIGH_CHURN, HIGH_TOXICITY } from '@/lib/post';
import type { ShownPost } from '@/live/feed';

interface PostItemProps {
  scored: ShownPost;
  now: number;
}

/** One post with its label; it expands to show every score. */
export const PostItem = memo(function PostItem({ scored, now }: PostItemProps) {
  const [open, setOpen] = useState(false);
  const detailsId = useId();
  const { post, score, correction } = scored;
  const { label, confidence, uncertain } = score.sentiment;
  return (
    <li className="arriving relative isolate border-b border-line px-4 py-2 last:border-b-0">
      <div className="caption flex items-center gap-1.5">
        <SentimentMark label={label} uncertain={uncertain} />
        <span
          className={clsx('w-10 text-xs', {
            'font-semibold': !uncertain,
            'text-positive': label === 'positive' && !uncertain,
            'text-negative': label === 'negative' && !uncertain,
          })}
        >
          {formatSigned(score.sentiment.score)}
        </span>
        <span className="min-w-0 truncate">
          {post.platform}
          <AuthorLink post={post} lead=" · " />
          {post.city && ` · ${post.city}`}
        </span>
        <span className="ml-auto flex shrink-0 items-center gap-1.5">
          <SourceBadge source={post.source} />
          <time dateTime={post.created_at} className="min-w-9">
            {formatAge(post.received_at, now)}
          </time>
        </span>
      </div>
      <p
        className="mt-0.5 text-sm leading-snug break-words"
        lang={post.lang ?? undefined}
        dir="auto"
      >
        {post.text}
      </p>
      <div className="mt-1 flex flex-wrap items-center gap-1">
        {uncertain && <Badge tone="dashed">uncertain, {formatConfidence(confidence)}</Badge>}
        {correction?.was && (
          <CorrectionMark key={correction.frame} text={describeCorrection(correction.was, score)} />
        )}
        <Badge>{score.emotion.label}</Badge>
        {post.products.map((product) => (
          <Badge key={product} tone="brand">
            {product}
          </Badge>
        ))}
        {score.churn_risk >= HIGH_CHURN && (
          <Badge tone="critical">churn {formatScore(score.churn_risk)}</Badge>
        )}
        {score.toxicity >= HIGH_TOXICITY && (
          <Badge tone="warning">toxic {formatScore(score.toxicity)}</Badge>
        )}
        <button
          type="button"
          className="caption ml-auto rounded-md px-1 hover:text-ink"
          aria-expanded={open}
          aria-controls={detailsId}
          onClick={() => setOpen(!open)}
        >
          {open ? 'Hide scores' : 'Scores'}
        </button>
      </div>
      <div id={detailsId} hidden={!open}>
        {open && (
          <>
            <PostScores scored={scored} />
            <ExploreLink search={{ post: post.uuid }} className="caption mt-1.5 inline-block">
              View the post or correct its label
            </ExploreLink>
          </>
        )}
      </div>
    </li>
  );
}, hasSameAge);

/** Skips rendering a post whose displayed age has not changed. */
function hasSameAge(before: PostItemProps, after: PostItemProps): boolean {
  const { received_at } = after.scored.post;
  return (
    before.scored === after.scored &&
    formatAge(received_at, before.now) === formatAge(received_at, after.now)
  );
}
