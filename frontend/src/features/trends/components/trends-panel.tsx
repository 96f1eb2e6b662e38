import type { TrendingTerm, Trends } from '@/api/wire';
import { ChangeMark } from '@/components/ui/change-mark';
import { ExploreLink } from '@/components/ui/explore-link';
import { Failure, Skeleton } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { useTrends } from '@/features/trends/api/use-trends';
import { compareCounts } from '@/lib/compare';
import { formatCount, formatPosts, formatSigned } from '@/lib/format';
import type { WindowKey } from '@/lib/view';

interface TrendsPanelProps {
  window: WindowKey;
  paused: boolean;
}

/** The terms whose mentions grow fastest, and the number of authors. */
export function TrendsPanel({ window, paused }: TrendsPanelProps) {
  const { trends, span, error, isPending } = useTrends(window, paused);
  return (
    <Panel
      title="Trending terms"
      note={`${span}, all posts`}
      exported={() => ({
        heads: ['Term', 'Mentions', 'Previous mentions', 'Average'],
        rows: (trends?.terms ?? []).map(({ term, count, previous, sentiment }) => [
          term,
          count,
          previous,
          sentiment ?? null,
        ]),
      })}
      className="min-h-0 flex-1"
    >
      {isPending && <Skeleton rows={6} label="Loading trending terms" />}
      {error !== null && trends === null && (
        <Failure what="The trending terms could not be loaded" error={error} />
      )}
      {trends !== null && trends.terms.length === 0 && (
        <p className="py-3 text-sm text-ink-soft">
          No trending terms yet. A term appears once several posts mention it.
        </p>
      )}
      {trends !== null && (
        <>
          <ol
            className="thin-scroll -mx-2 min-h-0 flex-1 overflow-y-auto"
            aria-label="Trending terms, fastest growth first"
            tabIndex={0}
          >
            {trends.terms.map((term) => (
              <Term key={term.term} term={term} search={searchOf(term, trends)} />
            ))}
          </ol>
          <Authors trends={trends} />
        </>
      )}
    </Panel>
  );
}

/** Searches for a term in the span in which it was counted, without the page's filters. */
function searchOf({ term }: TrendingTerm, { window }: Trends) {
  const q = term.includes(' ') ? `"${term}"` : term;
  return { from: window.from, to: window.to, q };
}

function Term({ term, search }: { term: TrendingTerm; search: Record<string, string> }) {
  return (
    <li>
      <ExploreLink
        search={search}
        title={`Show posts that mention “${term.term}”. At least ${formatCount(term.count)}: search also finds it in hashtags, mentions and links`}
        className="flex items-center gap-2 rounded-md px-2 py-1 text-sm no-underline! hover:bg-sunken"
      >
        <Sentiment sentiment={term.sentiment} />
        <span className="min-w-0 flex-1 truncate font-medium" dir="auto">
          {term.term}
        </span>
        <span className="caption shrink-0">
          <Growth term={term} />
        </span>
        <span className="w-11 shrink-0 text-right font-semibold">{formatCount(term.count)}</span>
      </ExploreLink>
    </li>
  );
}

/** Averages this close to zero are neutral. */
const BALANCED = 0.05;

function Sentiment({ sentiment }: { sentiment: number | null | undefined }) {
  if (typeof sentiment !== 'number') return <span className="w-3" />;
  const label = sentiment > BALANCED ? 'positive' : sentiment < -BALANCED ? 'negative' : 'neutral';
  return (
    <span title={`average ${formatSigned(sentiment)}`} className="flex">
      <SentimentMark label={label} />
    </span>
  );
}

/** The change since the previous span of the same length; of a few mentions only what they were. */
function Growth({ term: { count, previous, growth } }: { term: TrendingTerm }) {
  if (typeof growth !== 'number') return null;
  if (previous === 0) return 'new';
  const change = compareCounts(count, previous);
  return change === null ? `was ${formatCount(previous)}` : <ChangeMark change={change} />;
}

function Authors({ trends: { authors, missed } }: { trends: Trends }) {
  const percent = Math.max(1, Math.round(authors.error * 100));
  return (
    <p className="caption mt-1.5 border-t border-line pt-2">
      <span className="font-semibold text-ink">about {formatCount(authors.distinct)} authors</span>,
      ±{percent}%; previously {formatCount(authors.previous)}
      {missed > 0 && `; ${formatPosts(missed)} arrived too fast to be counted`}
    </p>
  );
}
