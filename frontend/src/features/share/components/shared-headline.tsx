import { HeadlineCell, HeadlineStrip } from '@/components/ui/headline-strip';
import type { SharedStep } from '@/features/share/api/use-shared';
import { headlinesOf } from '@/lib/headlines';
import { totalOf } from '@/lib/totals';

/** The period in four numbers. */
export function SharedHeadline({ steps }: { steps: readonly SharedStep[] }) {
  const { posts, sentiment, negative, churn } = headlinesOf(totalOf(steps), null);
  return (
    <HeadlineStrip label="Headline numbers" columns={4}>
      {[posts, sentiment, negative, churn].map((headline) => (
        <HeadlineCell key={headline.name} {...headline} />
      ))}
    </HeadlineStrip>
  );
}
