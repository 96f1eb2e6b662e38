import { HeadlineCell, HeadlineStrip } from '@/components/ui/headline-strip';
import type { AuthorProfile } from '@/features/authors/api/use-author';
import { formatCount, formatScore, formatShare } from '@/lib/format';
import { headlinesOf, periodOf } from '@/lib/headlines';
import { HIGH_CHURN } from '@/lib/post';

interface AuthorHeadlineProps {
  profile: AuthorProfile;
  /** Explore search parameters for some of the posts. */
  search: (more: Record<string, string>) => Record<string, string>;
}

/** The period in numbers. */
export function AuthorHeadline({ profile, search }: AuthorHeadlineProps) {
  const { churn, toxicity, reach, engagement, sample } = profile;
  const headlines = headlinesOf(periodOf(profile), null, { isEstimate: sample != null });
  const about = sample == null ? '' : '≈ ';
  const reactions = (engagement.likes ?? 0) + (engagement.shares ?? 0) + (engagement.comments ?? 0);
  return (
    <section aria-label="Figures">
      <HeadlineStrip label="Headline numbers" columns={6}>
        <HeadlineCell {...headlines.posts} note="in this period" />
        <HeadlineCell {...headlines.sentiment} />
        <HeadlineCell {...headlines.negative} search={search({ label: 'negative' })} />
        <HeadlineCell
          {...headlines.churn}
          note={`average ${formatScore(churn.average)}, toxicity ${formatScore(toxicity.average)}`}
          search={search({ min_churn: String(HIGH_CHURN) })}
        />
        <HeadlineCell name="Reach" value={about + formatCount(reach)} note="people, at most" />
        <HeadlineCell
          name="Engagement"
          value={about + formatCount(reactions)}
          note="likes, shares and comments"
        />
      </HeadlineStrip>
      {sample != null && (
        <p className="caption mt-1">
          Estimated from {formatCount(sample.posts)} posts, ±{formatShare(sample.error, 1)}: this
          author posts too much to count every post.
        </p>
      )}
    </section>
  );
}
