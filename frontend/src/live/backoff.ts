/** Waiting longer than this looks broken to a person who watches the countdown. */
const LONGEST_MS = 20_000;

/** The server asked us to stay away for a while (1013); obeying is what lets it recover. */
const BUSY_MS = 5_000;

const FIRST_MS = 500;

/** The server heard no pong from us; nothing is wrong with this client. */
const CLOSE_UNHEARD = 4408;

export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_TRY_AGAIN_LATER = 1013;

/**
 * How long to wait before attempt `attempt` (0 is the first).
 *
 * Half of it is chance: after a restart every open dashboard comes back, and must not come back at once.
 */
export function reconnectDelay(attempt: number, closeCode: number, random: () => number): number {
  const floor = closeCode === CLOSE_TRY_AGAIN_LATER ? BUSY_MS : FIRST_MS;
  const ceiling = Math.max(floor, Math.min(LONGEST_MS, floor * 2 ** Math.min(attempt, 10)));
  return Math.round(ceiling / 2 + random() * (ceiling / 2));
}

/**
 * Whether coming back could ever help.
 *
 * 44xx mirrors HTTP's 4xx and 1008 is "policy": the server refuses this client, not this moment.
 */
export function isRefusal(closeCode: number): boolean {
  if (closeCode === CLOSE_UNHEARD) return false;
  return closeCode === 1008 || (closeCode >= 4400 && closeCode < 4500);
}

/** What to tell a person about a close code. */
export function describeClose(closeCode: number, reason: string): string {
  if (reason !== '') return reason;
  if (closeCode === CLOSE_GOING_AWAY) return 'the server is restarting';
  if (closeCode === CLOSE_TRY_AGAIN_LATER) return 'the server cannot serve this page just now';
  if (isRefusal(closeCode)) return 'the server refused this connection';
  return 'the connection was lost';
}
