import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { BreakdownAnswer, PostPage, Schemas, Tally, TrendAnswer } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';

export type SharedView = Schemas['SharedView'];

/** A step of the chart. */
export interface SharedStep extends Pick<Tally, 'count' | 'sentiment' | 'churn'> {
  from: string;
  seconds: number;
  complete: boolean;
}

/** The posts by one dimension. */
export interface SharedBreakdown {
  by: string;
  items: readonly { key: string; count: number; sentiment?: Tally['sentiment'] | null }[];
}

/** The figures of a shared view, whichever page it is of. */
export interface SharedFigures {
  range: { from: string; to: string; seconds: number };
  zone: string | null;
  steps: readonly SharedStep[];
  breakdowns: readonly SharedBreakdown[];
}

const PAGE_LENGTH = 25;

/** A shared view is read again at intervals, since its holder cannot open live connections. */
const EVERY_MS = { live: 5_000, explore: 60_000 };

/** The view that the link opens. */
export function useSharedView() {
  return useQuery({
    queryKey: ['shared', 'view'],
    queryFn: ({ signal }) => getJson<SharedView>(paths.sharedView, {}, signal),
    refetchInterval: EVERY_MS.explore,
    retry: false,
  });
}

export function useSharedFigures(page: SharedView['page']) {
  return useQuery({
    queryKey: ['shared', 'figures', page],
    queryFn: ({ signal }) => (page === 'live' ? readLive(signal) : readExplore(signal)),
    refetchInterval: EVERY_MS[page],
    placeholderData: keepPreviousData,
  });
}

/** The server gives every call the period and filters of the link, so none are sent. */
async function readLive(signal: AbortSignal): Promise<SharedFigures> {
  const [trend, products, channels, cities] = await Promise.all([
    getJson<TrendAnswer>(paths.metrics('trend'), {}, signal),
    getJson<BreakdownAnswer>(paths.metrics('products'), {}, signal),
    getJson<BreakdownAnswer>(paths.metrics('channels'), {}, signal),
    getJson<BreakdownAnswer>(paths.metrics('geo'), {}, signal),
  ]);
  const breakdowns = [
    { by: 'product', items: products.items },
    { by: 'channel', items: channels.items },
    { by: 'city', items: cities.items },
  ];
  return { range: trend.window, zone: null, steps: trend.items, breakdowns };
}

async function readExplore(signal: AbortSignal): Promise<SharedFigures> {
  const [series, breakdown] = await Promise.all([
    getJson<Schemas['ExploreSeries']>(paths.series, {}, signal),
    getJson<Schemas['ExploreBreakdown']>(paths.breakdown, {}, signal),
  ]);
  const { range, tz, items } = series;
  return { range, zone: tz, steps: items, breakdowns: [breakdown] };
}

/** The posts of the view, newest first, a page at a time. */
export function useSharedPosts(page: SharedView['page']) {
  return useInfiniteQuery({
    queryKey: ['shared', 'posts'],
    queryFn: ({ pageParam, signal }) =>
      getJson<PostPage>(paths.posts, { limit: PAGE_LENGTH, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    refetchInterval: EVERY_MS[page],
  });
}
