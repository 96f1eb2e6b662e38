import { SENTIMENTS, type Tally } from '@/api/wire';
import { ExploreLink } from '@/components/ui/explore-link';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import type { Drill } from '@/lib/drill';
import { formatCount, formatShare } from '@/lib/format';

/** Each label with its share of the posts, as a chart's legend that leads to them. */
export function LabelShares({ overall, drill }: { overall: Tally; drill: Drill }) {
  return (
    <ul className="flex flex-wrap items-center gap-x-4 text-xs">
      {SENTIMENTS.toReversed().map((label) => (
        <li key={label}>
          <ExploreLink
            search={drill.searchOf({ label })}
            title={`Show the ${label} posts`}
            className="flex items-center gap-1.5 rounded-md no-underline! hover:underline!"
          >
            <SentimentMark label={label} />
            <span className="caption max-sm:sr-only">{label}</span>
            <span className="font-semibold">
              {formatShare(overall.sentiment[label], overall.count)}
            </span>
            <span className="caption">{formatCount(overall.sentiment[label])}</span>
          </ExploreLink>
        </li>
      ))}
    </ul>
  );
}
