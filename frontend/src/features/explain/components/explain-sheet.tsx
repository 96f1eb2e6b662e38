import type { MouseEvent, ReactNode } from 'react';
import { ExploreLink } from '@/components/ui/explore-link';
import { QueryStatus } from '@/components/ui/query-status';
import { Sheet } from '@/components/ui/sheet';
import { useExplanation, type Explanation } from '@/features/explain/api/use-explanation';
import { Clusters } from '@/features/explain/components/clusters';
import { FigureTable } from '@/features/explain/components/figure-table';
import { Authors, Contributions, Terms } from '@/features/explain/components/rankings';
import { describeRead } from '@/features/explain/model/describe';
import type { Query } from '@/lib/api-client';
import { formatCount, formatPosts } from '@/lib/format';
import { formatRange, formatterOf } from '@/lib/time';
import { localZone } from '@/lib/zone';

interface Period {
  from: string;
  to: string;
}

export interface ExplainSheetProps {
  period: Period;
  /** The filters of the chart, under the names of the API. */
  filters: Query;
  zone?: string;
  onClose: () => void;
}

/** Links to the posts of the period, narrowed further. */
export type SearchOf = (behind: Record<string, string>) => Search;

type Search = Record<string, string | readonly string[]>;

/** What distinguishes a period from the one before it. */
export function ExplainSheet({ period, filters, zone = localZone(), onClose }: ExplainSheetProps) {
  const query = useExplanation({ ...filters, ...period, tz: zone === 'UTC' ? undefined : zone });
  const { data } = query;
  const formatTime = timeFormatOf(period, zone);
  // On Explore, a link changes the page under the sheet. It prevents the default only if it opens no other tab.
  const closeOnLink = (event: MouseEvent) => event.defaultPrevented && onClose();
  const searchOf: SearchOf = (behind) => ({
    ...givenOf(filters),
    ...(data !== undefined && { from: data.range.from, to: data.range.to }),
    ...behind,
  });
  return (
    <Sheet
      title={`What happened at ${formatTime(period.from)}`}
      description={formatRange(period.from, period.to, zone)}
      onClose={onClose}
      footer={
        data && (
          <span className="mr-auto" onClick={closeOnLink}>
            <ExploreLink search={searchOf({})} className="text-sm">
              View {formatPosts(data.now.count)} in Explore
            </ExploreLink>
          </span>
        )
      }
    >
      <QueryStatus query={query} what="explanation" rows={10} />
      {data !== undefined && (
        <div className="flex flex-col gap-5" onClick={closeOnLink}>
          <Sentences sentences={data.sentences} formatTime={formatTime} />
          <FigureTable explanation={data} />
          <Part title="What changed most" note="posts, and the change since the period before">
            <Contributions items={data.contributions} searchOf={searchOf} />
          </Part>
          <Part title="Terms" note="used more often than in the period before">
            <Terms items={data.terms} searchOf={searchOf} />
          </Part>
          <Part title="Near copies" note="posts with nearly the same text">
            <Clusters items={data.clusters} searchOf={searchOf} />
          </Part>
          <Part title="Authors" note={describeAuthors(data)}>
            <Authors authors={data.authors} searchOf={searchOf} />
          </Part>
          <p className="caption">{describeRead(data)}</p>
        </div>
      )}
    </Sheet>
  );
}

/** Without seconds if the period begins and ends on a minute. */
function timeFormatOf({ from, to }: Period, zone: string) {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const isWhole = [start, end].every((at) => at % MINUTE_MS === 0);
  const seconds = (end - start) / 1_000;
  return formatterOf(
    isWhole
      ? { seconds: Math.max(seconds, HOUR_SECONDS), stepSeconds: 60, zone }
      : { seconds, stepSeconds: 1, zone },
  );
}

const MINUTE_MS = 60_000;
const HOUR_SECONDS = 3_600;

/** The filters that are given, as search parameters. */
function givenOf(filters: Query): Search {
  return Object.fromEntries(
    Object.entries(filters).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, typeof value === 'number' ? String(value) : value]],
    ),
  );
}

interface SentencesProps {
  sentences: Explanation['sentences'];
  formatTime: (at: string) => string;
}

function Sentences({ sentences, formatTime }: SentencesProps) {
  return (
    <div className="flex flex-col gap-1.5 text-base leading-relaxed">
      {sentences.map(({ text, parts }) => (
        <p key={text} className="wrap-anywhere">
          {parts.map((part, place) =>
            'time' in part ? (
              <time key={place} dateTime={part.time}>
                {formatTime(part.time)}
              </time>
            ) : (
              <span key={place}>{part.text}</span>
            ),
          )}
        </p>
      ))}
    </div>
  );
}

function describeAuthors({ authors, distinct_texts }: Explanation): string {
  const { distinct } = authors;
  return `${formatCount(distinct)} ${distinct === 1 ? 'author' : 'authors'}, ${formatCount(distinct_texts)} distinct ${distinct_texts === 1 ? 'text' : 'texts'}`;
}

interface PartProps {
  title: string;
  note: string;
  children: ReactNode;
}

function Part({ title, note, children }: PartProps) {
  return (
    <section aria-label={title}>
      <h3 className="mb-1.5 text-sm font-semibold">
        {title}
        <span className="caption ml-2 font-normal">{note}</span>
      </h3>
      {children}
    </section>
  );
}
