import type { Trend } from '@/api/wire';
import type { VolumeStep } from '@/components/charts/volume-scene';

/** One step of the trend. */
export interface TrendStep extends VolumeStep {
  to: string;
}

/** Returns the steps with their ends; the last one may be unfinished. */
export function stepsOf({ items }: Trend): TrendStep[] {
  return items.map((step) => ({
    ...step,
    to: new Date(Date.parse(step.from) + step.seconds * 1_000).toISOString(),
    isUnfinished: !step.complete,
  }));
}

/** The steps whose figures will not change any more, for lines that show no hatching. */
export function finished(steps: readonly TrendStep[]): TrendStep[] {
  return steps.filter(({ isUnfinished }) => !isUnfinished);
}
