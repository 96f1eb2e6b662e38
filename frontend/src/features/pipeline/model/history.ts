import type { SystemStatus } from '@/api/wire';

/** What is drawn of one reading; null where it was not known. */
export interface Footprint {
  at: number;
  startedAt: string;
  postsPerSecond: number | null;
  lag: number | null;
  length: number | null;
  sockets: number;
}

/** Five minutes of readings two seconds apart. */
const KEPT = 150;
const APART_MS = 1_500;

/** The trail with the newest reading at its end; the very same trail where it is not new enough to be told apart. */
export function nextTrail(
  trail: readonly Footprint[],
  system: SystemStatus | null,
  postsPerSecond: number | null,
): readonly Footprint[] {
  if (system === null) return trail;
  const at = Date.parse(system.at);
  const last = trail.at(-1);
  if (last !== undefined && at - last.at < APART_MS) return trail;
  const footprint: Footprint = {
    at,
    startedAt: system.started_at,
    postsPerSecond,
    lag: system.stream?.lag ?? null,
    length: system.stream?.length ?? null,
    sockets: system.sockets.open,
  };
  // Another process counts anew, so its readings do not continue these.
  const before = last?.startedAt === system.started_at ? trail : [];
  return [...before.slice(1 - KEPT), footprint];
}
