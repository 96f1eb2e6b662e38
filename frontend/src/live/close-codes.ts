/** What a close code means for the client; `docs/REALTIME.md` lists the server's codes. */
interface Meaning {
  /** Whether reconnecting may help. */
  canReconnect: boolean;
  /** The reason, for people. */
  text: string;
}

export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  /** Never sent: the connection broke or was never opened. */
  broken: 1006,
  policy: 1008,
  tryAgainLater: 1013,
  /** Ours: the server stopped responding. Applications may use 4000–4999. */
  silent: 4000,
  /** Ours: the event stream was reopened. */
  renewed: 4001,
  unauthorized: 4401,
  forbidden: 4403,
  /** The server received no pong in time. */
  unheard: 4408,
  /** The server process missed frames; reconnecting recovers them. */
  positionLost: 4410,
  /** We read too slowly; reconnecting recovers what was missed. */
  tooSlow: 4413,
  /** We exceeded the server's rate limit. */
  tooMany: 4429,
} as const;

const REFUSED: Meaning = { canReconnect: false, text: 'the server refused this connection' };
const INCOMPATIBLE: Meaning = {
  canReconnect: false,
  text: 'the server does not support this version of the page',
};
const LOST: Meaning = { canReconnect: true, text: 'the connection was lost' };

const MEANINGS: ReadonlyMap<number, Meaning> = new Map([
  [CLOSE.goingAway, { canReconnect: true, text: 'the server is restarting' }],
  [1002, INCOMPATIBLE],
  [1003, INCOMPATIBLE],
  [1007, INCOMPATIBLE],
  [CLOSE.policy, REFUSED],
  [1009, INCOMPATIBLE],
  [CLOSE.tryAgainLater, { canReconnect: true, text: 'the server is busy' }],
  [CLOSE.silent, { canReconnect: true, text: 'the server stopped responding' }],
  [CLOSE.unheard, LOST],
  [CLOSE.positionLost, { canReconnect: true, text: 'the server lost its place in the stream' }],
  [CLOSE.tooSlow, { canReconnect: true, text: 'this page could not keep up' }],
  [CLOSE.tooMany, { canReconnect: true, text: 'this page sent too many requests' }],
]);

/** Returns the meaning of a close code. Unknown 44xx codes reject the client, like HTTP's 4xx. */
export function meaningOf(code: number): Meaning {
  return MEANINGS.get(code) ?? (code >= 4400 && code < 4500 ? REFUSED : LOST);
}
