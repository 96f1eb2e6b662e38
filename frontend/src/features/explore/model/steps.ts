import type { SeriesAnswer } from '@/features/explore/api/wire';

export const STEP_SECONDS = { minute: 60, hour: 3_600, day: 86_400, week: 7 * 86_400 };

/** Summer time makes a day an hour shorter, which does not make it unfinished. */
const WHOLE_FROM = 0.95;

/** Marks the steps that still gain posts or are cut by an end of the period; a single step is all there is. */
export function withUnfinished<Step extends { seconds: number; complete: boolean }>(
  steps: readonly Step[],
  step: SeriesAnswer['step'],
): (Step & { isUnfinished: boolean })[] {
  const isCut = ({ seconds, complete }: Step) =>
    !complete || seconds < STEP_SECONDS[step] * WHOLE_FROM;
  return steps.map((item) => ({ ...item, isUnfinished: steps.length > 1 && isCut(item) }));
}
