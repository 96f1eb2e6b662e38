import type { StageStatus, SystemStatus } from '@/api/wire';

/** Two readings of the server, the earlier of which may be missing. */
export interface Readings {
  before: SystemStatus | null;
  now: SystemStatus | null;
}

/** The later of what was asked for and what was pushed: one of the two may have stopped coming. */
export function newestOf(
  asked: SystemStatus | undefined,
  pushed: SystemStatus | null,
): SystemStatus | null {
  if (asked === undefined || pushed === null) return asked ?? pushed;
  return Date.parse(pushed.at) > Date.parse(asked.at) ? pushed : asked;
}

/** Closer together than this, one batch makes the difference between none and a thousand. */
const APART_MS = 1_000;

/** Moves on to the newest reading, where it is far enough from the last. */
export function nextReadings(readings: Readings, newest: SystemStatus | null): Readings {
  if (newest === null) return readings;
  if (readings.now === null) return { before: null, now: newest };
  const apart = Date.parse(newest.at) - Date.parse(readings.now.at);
  return apart >= APART_MS ? { before: readings.now, now: newest } : readings;
}

function allOf({ stages, tasks }: SystemStatus): StageStatus[] {
  return [...stages, ...(tasks ?? [])];
}

/** What each stage or task handled in a second, between two readings; nothing of a stage whose count began anew. */
export function handledPerSecond({ before, now }: Readings): Map<string, number> {
  const rates = new Map<string, number>();
  if (before === null || now === null || before.started_at !== now.started_at) return rates;
  const seconds = (Date.parse(now.at) - Date.parse(before.at)) / 1_000;
  if (!(seconds > 0)) return rates;
  const earliers = allOf(before);
  for (const { stage, handled } of allOf(now)) {
    const earlier = earliers.find((known) => known.stage === stage);
    if (earlier === undefined || earlier.handled > handled) continue;
    rates.set(stage, (handled - earlier.handled) / seconds);
  }
  return rates;
}
