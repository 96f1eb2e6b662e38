import { clsx } from 'clsx';
import { use } from 'react';
import type { Post } from '@/api/wire';
import { Badge } from '@/components/ui/badge';
import { Checkbox } from '@/components/ui/checkbox';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { SourceBadge } from '@/components/ui/source-badge';
import type { ExploredPost } from '@/features/explore/api/wire';
import { WorkPartsContext } from '@/features/explore/model/work-parts';
import { formatAge, formatCount, formatScore, formatSigned } from '@/lib/format';
import { useMay } from '@/lib/me';
import { handleOf, HIGH_CHURN, HIGH_TOXICITY } from '@/lib/post';
import { formatFullTime } from '@/lib/time';

/** On a scale of 0 to 100. */
const HIGH_VIRALITY = 50;

interface PostRowProps {
  item: ExploredPost;
  now: number;
  tz: string;
  /** Whether the list is sorted by engagement, so that a row without any says so. */
  isRanked?: boolean;
  onOpen: (uuid: string) => void;
  selection: { isSelected: boolean; onSelect: (isSelected: boolean) => void };
}

/** One post; clicking it opens its details. */
export function PostRow(props: PostRowProps) {
  const { item, now, tz, isRanked = false, onOpen, selection } = props;
  const { post, score, corrected_label } = item;
  const work = use(WorkPartsContext);
  const canWork = useMay()('change_work_on_posts') && work !== null;
  const { label, uncertain } = score.sentiment;
  return (
    <li className="flex items-start border-t border-line">
      {canWork && (
        <Checkbox
          className="py-2.5 pl-4"
          label={`Select: ${post.text}`}
          checked={selection.isSelected}
          onChange={selection.onSelect}
        />
      )}
      <button
        type="button"
        className={clsx('min-w-0 flex-1 py-2 pr-4 text-left hover:bg-sunken', {
          'pl-4': !canWork,
          'pl-3': canWork,
        })}
        aria-haspopup="dialog"
        onClick={() => onOpen(post.uuid)}
      >
        <span className="caption flex items-center gap-1.5">
          <SentimentMark
            label={corrected_label ?? label}
            uncertain={!corrected_label && uncertain}
          />
          <span className="text-xs font-semibold text-ink">
            {formatSigned(score.sentiment.score)}
          </span>
          <span className="min-w-0 truncate">
            {[post.platform, handleOf(post), post.city].filter(Boolean).join(' · ')}
          </span>
          <span className="ml-auto flex shrink-0 items-center gap-1.5">
            <SourceBadge source={post.source} />
            <time dateTime={post.created_at} title={formatFullTime(post.created_at, tz)}>
              {formatAge(post.created_at, now)}
            </time>
          </span>
        </span>
        <span
          className="mt-0.5 block text-sm leading-snug break-words"
          lang={post.lang ?? undefined}
          dir="auto"
        >
          {post.text}
        </span>
        <span className="mt-1 flex flex-wrap items-center gap-1">
          {corrected_label && (
            <Badge tone="good">
              {corrected_label === label
                ? `confirmed by a person: ${label}`
                : `corrected by a person: ${corrected_label}, was ${label}`}
            </Badge>
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
          {score.virality >= HIGH_VIRALITY && (
            <Badge tone="outline">virality {Math.round(score.virality)}</Badge>
          )}
          {work !== null && <work.Badges item={item} />}
          <span className="caption ml-auto">
            {describeEngagement(post) || (isRanked && describeNone(post))}
          </span>
        </span>
      </button>
    </li>
  );
}

/** Whether nobody has reacted, or nobody knows. */
function describeNone({ engagement }: Post): string {
  const counts = [engagement?.likes, engagement?.shares, engagement?.comments];
  return counts.some((count) => count != null) ? 'no reactions' : 'engagement unknown';
}

export function describeEngagement({ engagement }: Post): string {
  const counts = [
    ['like', engagement?.likes],
    ['share', engagement?.shares],
    ['comment', engagement?.comments],
    ['view', engagement?.views],
  ] as const;
  return counts
    .flatMap(([name, count]) =>
      count ? [`${formatCount(count)} ${name}${count === 1 ? '' : 's'}`] : [],
    )
    .join(' · ');
}
