import type { Trend } from '@/api/wire';

/** One step of the trend as rates, so that an incomplete step compares with complete ones. */
export interface TrendPoint {
  at: number;
  positive: number;
  neutral: number;
  negative: number;
  total: number;
  count: number;
  average: number | null;
  negativeShare: number | null;
  highChurn: number;
}

/** The latest posts are still being processed, so a younger step would only show a drop. */
const SHORTEST_STEP_SECONDS = 2;

/** Returns posts per second for each step that began before `to`. */
export function toRates(trend: Trend, to: string): TrendPoint[] {
  const end = Date.parse(to);
  return trend.items.flatMap((step) => {
    const at = Date.parse(step.from);
    const elapsed = Math.min(trend.step_seconds, (end - at) / 1_000);
    if (!(elapsed >= Math.min(SHORTEST_STEP_SECONDS, trend.step_seconds))) return [];
    const { positive, neutral, negative, average } = step.sentiment;
    return [
      {
        at,
        positive: positive / elapsed,
        neutral: neutral / elapsed,
        negative: negative / elapsed,
        total: step.count / elapsed,
        count: step.count,
        average: average ?? null,
        negativeShare: step.count > 0 ? negative / step.count : null,
        highChurn: step.churn.high,
      },
    ];
  });
}
