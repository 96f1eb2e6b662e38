import type { SystemStatus } from '@/api/wire';

/** The plotted values of one reading; null if unknown. */
export interface Sample {
  at: number;
  startedAt: string;
  postsPerSecond: number | null;
  lag: number | null;
  length: number | null;
  sockets: number;
}

/** Five minutes of readings two seconds apart. */
const KEPT = 150;
const MIN_INTERVAL_MS = 1_500;

/** Appends the newest reading; returns the same array if it is too soon after the last. */
export function nextHistory(
  history: readonly Sample[],
  system: SystemStatus | null,
  postsPerSecond: number | null,
): readonly Sample[] {
  if (system === null) return history;
  const at = Date.parse(system.at);
  const last = history.at(-1);
  if (last !== undefined && at - last.at < MIN_INTERVAL_MS) return history;
  const sample: Sample = {
    at,
    startedAt: system.started_at,
    postsPerSecond,
    lag: system.stream?.lag ?? null,
    length: system.stream?.length ?? null,
    sockets: system.sockets.open,
  };
  // A restarted server counts from zero.
  const before = last?.startedAt === system.started_at ? history : [];
  return [...before.slice(1 - KEPT), sample];
}
