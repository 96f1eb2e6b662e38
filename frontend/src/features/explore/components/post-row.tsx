import type { Post } from '@/api/wire';
import { Badge } from '@/components/ui/badge';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { SourceBadge } from '@/components/ui/source-badge';
import type { ExploredPost } from '@/features/explore/api/wire';
import { formatAge, formatCount, formatScore, formatSigned } from '@/lib/format';
import { handleOf, HIGH_CHURN, HIGH_TOXICITY } from '@/lib/post';
import { formatterIn } from '@/lib/zone';

/** On a scale of 0 to 100. */
const HIGH_VIRALITY = 50;

interface PostRowProps {
  item: ExploredPost;
  now: number;
  tz: string;
  onOpen: (uuid: string) => void;
}

/** One post; clicking it opens its details. */
export function PostRow({ item, now, tz, onOpen }: PostRowProps) {
  const { post, score, corrected_label } = item;
  const { label, uncertain } = score.sentiment;
  return (
    <li className="border-t border-line">
      <button
        type="button"
        className="block w-full px-4 py-2 text-left hover:bg-sunken"
        aria-haspopup="dialog"
        onClick={() => onOpen(post.uuid)}
      >
        <span className="caption flex items-center gap-1.5">
          <SentimentMark
            label={corrected_label ?? label}
            uncertain={!corrected_label && uncertain}
          />
          <span className="text-[12.5px] font-semibold text-ink">
            {formatSigned(score.sentiment.score)}
          </span>
          <span className="min-w-0 truncate">
            {[post.platform, handleOf(post), post.city].filter(Boolean).join(' · ')}
          </span>
          <span className="ml-auto flex shrink-0 items-center gap-1.5">
            <SourceBadge source={post.source} />
            <time dateTime={post.created_at} title={fullTime(tz)(post.created_at)}>
              {formatAge(post.created_at, now)}
            </time>
          </span>
        </span>
        <span
          className="mt-0.5 block text-[13.5px] leading-snug break-words"
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
          <span className="caption ml-auto">{describeEngagement(post)}</span>
        </span>
      </button>
    </li>
  );
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

export function fullTime(tz: string) {
  return formatterIn(tz, { dateStyle: 'medium', timeStyle: 'long' });
}
