import type {
  BreakdownAnswer,
  KeyedTally,
  MetricsSnapshot,
  OverallAnswer,
  Tally,
  Trend,
  TrendAnswer,
} from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import { filterOf, LIVE_SECONDS, liveSecondsOf, type View, type WindowKey } from '@/lib/view';
import type { PostFilter } from '@/live/feed';

/** The figures of a view: those that the socket pushes, except that each part may fail on its own. */
export interface Figures extends Pick<MetricsSnapshot, 'window' | 'sources' | 'rate'> {
  overall: Tally | null;
  geo: KeyedTally[] | null;
  products: KeyedTally[] | null;
  channels: KeyedTally[] | null;
  platforms: KeyedTally[] | null;
  trend: Trend | null;
  /** Why a part is missing. */
  failures?: Partial<Record<Part, Error>>;
}

export type Part = 'overall' | 'geo' | 'products' | 'channels' | 'platforms' | 'trend';

type Query = PostFilter & ({ window: WindowKey } | { from: string; to: string });

/**
 * Fetches every panel of a view. Fails only if all of them do.
 *
 * A breakdown ignores the filter by its own dimension: every share would be 100%.
 */
export async function getFigures(
  view: View,
  live: MetricsSnapshot['window'] | null,
  signal: AbortSignal,
): Promise<Figures> {
  const isLive = view.window === '60s';
  // The pushed window uses the server's clock.
  const period =
    isLive && live !== null && liveSecondsOf(live) !== LIVE_SECONDS
      ? { from: live.from, to: live.to }
      : { window: view.window };
  const filter = filterOf(view);
  // Like the socket: one minute would be only six steps.
  const trendPeriod = isLive ? { window: '5m' as const } : period;
  const failures: Partial<Record<Part, Error>> = {};
  const get = <Answer>(part: Part, query: Query) =>
    getJson<Answer>(paths.metrics(part), { ...query }, signal).catch((error: Error) => {
      failures[part] = error;
      return null;
    });
  const by = (part: Part, own: keyof PostFilter) =>
    get<BreakdownAnswer>(part, { ...period, ...filter, [own]: undefined });
  const [overall, geo, products, channels, platforms, trend] = await Promise.all([
    get<OverallAnswer>('overall', { ...period, ...filter }),
    by('geo', 'city'),
    by('products', 'product'),
    by('channels', 'channel'),
    by('platforms', 'platform'),
    get<TrendAnswer>('trend', { ...trendPeriod, ...filter }),
  ]);
  const window = (overall ?? products ?? geo ?? channels ?? platforms ?? trend)?.window;
  if (window === undefined) throw failures.overall ?? new Error('no figures');
  return {
    window,
    overall,
    geo: geo?.items ?? null,
    products: products?.items ?? null,
    channels: channels?.items ?? null,
    platforms: platforms?.items ?? null,
    sources: [],
    rate: { posts_per_second: (overall?.count ?? 0) / Math.max(1, window.seconds), feed_share: 1 },
    trend,
    failures,
  };
}
