import { CLOSE } from '@/live/close-codes';

/** A longer wait would look broken to a person watching the countdown. */
const LONGEST_MS = 20_000;

const FIRST_MS = 500;

/** The server asked us to come back later. */
const FIRST_WHEN_BUSY_MS = 5_000;

/** The first wait after exceeding the server's rate limit, so that the limit resets. */
const FIRST_WHEN_LIMITED_MS = 15_000;

/**
 * Returns how long to wait before attempt `attempt`, starting at 0.
 *
 * Half of the delay is random, so that after a restart not every dashboard reconnects at once.
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
