import type { Step } from '@/features/explore/api/wire';

/** The sum of all steps. */
export interface Totals {
  count: number;
  average: number | null;
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
  return { count, average: of(weighted), negativeShare: of(negative), highChurn };
}

/** From here on, a factor is easier to read than a percentage. */
const AS_FACTOR_FROM = 10;

/** `+12%`, `−30%`, `×14`, `new`, or `–` if both are 0. */
export function formatChange(now: number, before: number): string {
  if (before === 0) return now === 0 ? '–' : 'new';
  if (now / before >= AS_FACTOR_FROM) return `×${Math.round(now / before)}`;
  const percent = Math.round((now / before - 1) * 100);
  if (percent === 0) return '±0%';
  return percent > 0 ? `+${percent}%` : `−${-percent}%`;
}

/** `+3 pts`: the change of a share in percentage points. */
export function formatPoints(now: number | null, before: number | null): string {
  if (now === null || before === null) return '–';
  const points = Math.round((now - before) * 100);
  if (points === 0) return '±0 pts';
  return points > 0 ? `+${points} pts` : `−${-points} pts`;
}
