import type { Source } from '@/features/sources/api/wire';
import { isHearing } from '@/features/sources/model/describe';

/** What all sources had been offered at a time. */
export interface Reading {
  at: number;
  offered: ReadonlyMap<string, { count: number; isHearing: boolean }>;
}

/** Long enough to even out the batches in which the server counts, short enough to notice that posts stop. */
const WINDOW_MS = 20_000;

/** Sources report once a second, so a rate over less is mostly chance. */
const INTERVAL_MIN_MS = 1_500;

/** Adds what was read at `at`, and forgets what is too old; returns the same readings if that is known already. */
export function nextReadings(
  readings: readonly Reading[],
  sources: readonly Source[] | undefined,
  at: number,
): readonly Reading[] {
  const last = readings.at(-1);
  if (sources === undefined || last?.at === at) return readings;
  const offered = new Map(
    sources.map(({ id, state, offered }) => [id, { count: offered, isHearing: isHearing(state) }]),
  );
  return [...readings.filter((reading) => reading.at > at - WINDOW_MS), { at, offered }];
}

/**
 * Posts per minute that the network offered to a source lately; null until two readings tell, or if it hears nothing.
 *
 * Only the readings since it began to hear count, so that a pause does not lower the rate afterwards.
 */
export function postsPerMinute(readings: readonly Reading[], id: string): number | null {
  const last = readings.at(-1);
  const now = last?.offered.get(id);
  if (last === undefined || now?.isHearing !== true) return null;
  const begin = readings.findLastIndex(({ offered }) => {
    const known = offered.get(id);
    return known?.isHearing !== true || known.count > now.count;
  });
  const first = readings[begin + 1];
  const before = first?.offered.get(id);
  if (first === undefined || before === undefined) return null;
  const ms = last.at - first.at;
  return ms < INTERVAL_MIN_MS ? null : ((now.count - before.count) / ms) * 60_000;
}
