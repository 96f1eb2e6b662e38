/** The socket pushes figures whose window moves every ten seconds; three missed moves are an outage. */
const SOCKET_OUTDATED_MS = 30_000;

/** Two missed polls, and the time that a slow answer takes. */
const ANSWER_MS = 15_000;

/** Returns the age from which figures count as outdated; `everyMs` is how often they are polled, null if pushed. */
export function outdatedAfterMs(everyMs: number | null): number {
  return everyMs === null ? SOCKET_OUTDATED_MS : 2 * everyMs + ANSWER_MS;
}
