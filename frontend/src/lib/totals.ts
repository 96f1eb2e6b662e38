import type { Tally } from '@/api/wire';

type Step = Pick<Tally, 'count' | 'sentiment' | 'churn'>;

/** The sum of all steps. */
export interface Totals {
  count: number;
  average: number | null;
  negative: number;
  negativeShare: number | null;
  highChurn: number;
}

export function totalOf(steps: readonly Step[]): Totals {
  let [count, weighted, negative, highChurn] = [0, 0, 0, 0];
  for (const step of steps) {
    count += step.count;
    weighted += (step.sentiment.average ?? 0) * step.count;
    negative += step.sentiment.negative;
    highChurn += step.churn.high;
  }
  const of = (sum: number) => (count > 0 ? sum / count : null);
  return { count, average: of(weighted), negative, negativeShare: of(negative), highChurn };
}
