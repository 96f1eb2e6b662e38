import type { StageStatus, SystemStatus } from '@/api/wire';

/** Two readings of the server's status; the earlier may be missing. */
export interface Readings {
  before: SystemStatus | null;
  now: SystemStatus | null;
}

/** Returns the later of the polled and the pushed status. */
export function newestOf(
  polled: SystemStatus | undefined,
  pushed: SystemStatus | null,
): SystemStatus | null {
  if (polled === undefined || pushed === null) return polled ?? pushed;
  return Date.parse(pushed.at) > Date.parse(polled.at) ? pushed : polled;
}

/** Over a shorter time, a single batch would distort the rate. */
const MIN_INTERVAL_MS = 1_000;

/** Advances to the newest reading if enough time has passed. */
export function nextReadings(readings: Readings, newest: SystemStatus | null): Readings {
  if (newest === null) return readings;
  if (readings.now === null) return { before: null, now: newest };
  const elapsed = Date.parse(newest.at) - Date.parse(readings.now.at);
  return elapsed >= MIN_INTERVAL_MS ? { before: readings.now, now: newest } : readings;
}

function allOf({ stages, tasks }: SystemStatus): StageStatus[] {
  return [...stages, ...(tasks ?? [])];
}

/** Returns the messages per second of each stage and task; a stage whose counter was reset has no rate. */
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
