import type { BreakdownAnswer, MetricsSnapshot, OverallAnswer, TrendAnswer } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';
import { filterOf, type View } from '@/lib/view';

/** Asks for every panel of a view and puts the answers into the shape that the socket pushes. */
export async function getSnapshot(view: View, signal: AbortSignal): Promise<MetricsSnapshot> {
  const query: View = { window: view.window, ...filterOf(view) };
  // As the socket does: a minute alone would be six steps, too few for a trend.
  const trendQuery: View = view.window === '60s' ? { ...query, window: '5m' } : query;
  const ask = <Answer>(panel: Parameters<typeof paths.metrics>[0], of = query) =>
    getJson<Answer>(paths.metrics(panel), { ...of }, signal);
  const [overall, geo, products, channels, platforms, trend] = await Promise.all([
    ask<OverallAnswer>('overall'),
    ask<BreakdownAnswer>('geo'),
    ask<BreakdownAnswer>('products'),
    ask<BreakdownAnswer>('channels'),
    ask<BreakdownAnswer>('platforms'),
    ask<TrendAnswer>('trend', trendQuery),
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
