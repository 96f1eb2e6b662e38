/** What the end of a connection means for whoever was connected; the server's table is in `docs/REALTIME.md`. */
interface Meaning {
  /** Whether coming back could ever help. */
  comesBack: boolean;
  /** What to tell a person; the end of a sentence. */
  text: string;
}

export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  /** Never sent by anyone: the connection broke, or was never made. */
  broken: 1006,
  policy: 1008,
  tryAgainLater: 1013,
  /** Ours: the connection fell silent. The range 4000–4999 is free for applications. */
  silent: 4000,
  /** Ours: the stream was asked for anew. */
  renewed: 4001,
  unauthorized: 4401,
  forbidden: 4403,
  /** The server heard no pong from us; nothing is wrong with this client. */
  unheard: 4408,
  /** News was lost on its way to that process; coming back tells whether any was meant for us. */
  positionLost: 4410,
  /** We read more slowly than alerts came; what was missed is recovered by coming back. */
  tooSlow: 4413,
  /** We asked too much of the server; asking again at once would only repeat it. */
  tooMany: 4429,
} as const;

const REFUSED: Meaning = { comesBack: false, text: 'the server refused this connection' };
const OUR_FAULT: Meaning = {
  comesBack: false,
  text: 'the server does not support this version of the page',
};
const LOST: Meaning = { comesBack: true, text: 'the connection was lost' };

const MEANINGS: ReadonlyMap<number, Meaning> = new Map([
  [CLOSE.goingAway, { comesBack: true, text: 'the server is restarting' }],
  [1002, OUR_FAULT],
  [1003, OUR_FAULT],
  [1007, OUR_FAULT],
  [CLOSE.policy, REFUSED],
  [1009, OUR_FAULT],
  [CLOSE.tryAgainLater, { comesBack: true, text: 'the server is busy' }],
  [CLOSE.silent, { comesBack: true, text: 'the server stopped responding' }],
  [CLOSE.unheard, LOST],
  [CLOSE.positionLost, { comesBack: true, text: 'the server lost its place in the stream' }],
  [CLOSE.tooSlow, { comesBack: true, text: 'this page could not keep up' }],
  [CLOSE.tooMany, { comesBack: true, text: 'this page sent too many requests' }],
]);

/** What a close code means. Of 44xx, which mirrors HTTP's 4xx, an unknown one refuses this client, not this moment. */
export function meaningOf(code: number): Meaning {
  return MEANINGS.get(code) ?? (code >= 4400 && code < 4500 ? REFUSED : LOST);
}
