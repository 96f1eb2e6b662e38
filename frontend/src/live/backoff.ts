import { CLOSE } from '@/live/close-codes';

/** Waiting longer than this looks broken to a person who watches the countdown. */
const LONGEST_MS = 20_000;

const FIRST_MS = 500;

/** The server asked us to stay away for a while; obeying is what lets it recover. */
const FIRST_WHEN_BUSY_MS = 5_000;

/** Whoever asked too much has to be quiet for long enough to be forgotten. */
const FIRST_WHEN_LIMITED_MS = 15_000;

/**
 * How long to wait before attempt `attempt` (0 is the first).
 *
 * Half of it is chance: after a restart every open dashboard comes back, and must not come back at once.
 */
export function reconnectDelay(attempt: number, closeCode: number, random: () => number): number {
  const first = firstDelay(closeCode);
  const ceiling = Math.max(first, Math.min(LONGEST_MS, first * 2 ** Math.min(attempt, 10)));
  return Math.round(ceiling / 2 + random() * (ceiling / 2));
}

function firstDelay(closeCode: number): number {
  if (closeCode === CLOSE.tryAgainLater) return FIRST_WHEN_BUSY_MS;
  return closeCode === CLOSE.tooMany ? FIRST_WHEN_LIMITED_MS : FIRST_MS;
}
