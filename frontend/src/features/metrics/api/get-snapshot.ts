import type { BreakdownAnswer, MetricsSnapshot, OverallAnswer, TrendAnswer } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import { filterOf, LIVE_SECONDS, liveSecondsOf, type View, type WindowKey } from '@/lib/view';
import type { PostFilter } from '@/live/feed';

type Query = PostFilter & ({ window: WindowKey } | { from: string });

/** Fetches every panel of a view and returns the shape that the socket pushes. */
export async function getSnapshot(
  view: View,
  live: MetricsSnapshot['window'] | null,
  signal: AbortSignal,
): Promise<MetricsSnapshot> {
  const isLive = view.window === '60s';
  // The pushed window uses the server's clock.
  const period =
    isLive && live !== null && liveSecondsOf(live) !== LIVE_SECONDS
      ? { from: live.from }
      : { window: view.window };
  const query: Query = { ...period, ...filterOf(view) };
  // Like the socket: one minute would be only six steps.
  const trendQuery: Query = isLive ? { window: '5m', ...filterOf(view) } : query;
  const get = <Answer>(panel: Parameters<typeof paths.metrics>[0], of = query) =>
    getJson<Answer>(paths.metrics(panel), { ...of }, signal);
  const [overall, geo, products, channels, platforms, trend] = await Promise.all([
    get<OverallAnswer>('overall'),
    get<BreakdownAnswer>('geo'),
    get<BreakdownAnswer>('products'),
    get<BreakdownAnswer>('channels'),
    get<BreakdownAnswer>('platforms'),
    get<TrendAnswer>('trend', trendQuery),
  ]);
  return {
    window: overall.window,
    overall,
    geo: geo.items,
    products: products.items,
    channels: channels.items,
    platforms: platforms.items,
    sources: [],
    rate: { posts_per_second: overall.count / Math.max(1, overall.window.seconds), feed_share: 1 },
    trend,
  };
}
