import { reconnectDelay } from '@/live/backoff';
import { CLOSE, meaningOf } from '@/live/close-codes';
import { Recovery } from '@/live/recovery';
import { openEventStream } from '@/live/event-stream';
import {
  parseFrame,
  toOperation,
  toQuery,
  type ServerFrame,
  type Subscription,
} from '@/live/frames';
import { askForTicket } from '@/live/tickets';
import type { Transport, TransportEvents } from '@/live/transport';
import { newWebSocket, openWebSocket, type Wire } from '@/live/websocket';

/** A quiet server is normal; a server that does not answer a ping is gone. */
const PING_AFTER_MS = 15_000;
const PONG_WITHIN_MS = 10_000;

/** An event stream cannot be asked; the server gives a sign of life in it every 15 seconds. */
const SIGN_WITHIN_MS = 20_000;

/** A connection that lived this long proves the server well, so the next failure starts counting afresh. */
const STABLE_AFTER_MS = 5_000;

/** So many WebSockets in a row that never opened mean that something between us lets none through. */
const UNOPENED_MAX = 2;

export type Connection =
  | { state: 'connecting'; attempt: number }
  | { state: 'live'; by: 'websocket' | 'events' }
  | { state: 'waiting'; attempt: number; retryAt: number; why: string }
  | { state: 'offline' }
  | { state: 'unauthorized' }
  | { state: 'refused'; why: string }
  | { state: 'stopped' };

export interface LiveClientParams {
  /** Where the server is: `https://groundswell.example`. */
  origin: string;
  subscription: Subscription;
  /** Every frame, in order and once; patched figures arrive as whole `metrics:update` frames. */
  onFrame: (frame: ServerFrame) => void;
  onConnection: (connection: Connection) => void;
  /** Something was missed and does not follow: what is held must be dropped or asked for anew. */
  onGap: () => void;
  /** The access token, where the server wants one and it is known. */
  token?: () => string | null;
  open?: (url: string) => Wire;
  fetch?: typeof fetch;
  random?: () => number;
  now?: () => number;
  isOnline?: () => boolean;
}

/**
 * Keeps one connection to the server, for as long as the page is open.
 *
 * It never gives up by itself, except where the server says that this client is unwelcome. After a reconnect
 * everything that was missed follows, or `onGap` is called first: never a part of it in silence.
 */
export class LiveClient {
  readonly #params: Required<LiveClientParams>;
  readonly #recovery: Recovery;
  #subscription: Subscription;
  #transport: Transport | null = null;
  #isOpen = false;
  #openedAt = 0;
  /** Counts connections, so that an answer meant for an earlier one is recognised. */
  #generation = 0;
  #attempt = 0;
  #unopened = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(params: LiveClientParams) {
    this.#params = {
      token: () => null,
      open: newWebSocket,
      fetch: (...request) => fetch(...request),
      random: Math.random,
      now: Date.now,
      isOnline: () => navigator.onLine,
      ...params,
    };
    this.#subscription = params.subscription;
    this.#recovery = new Recovery({
      onFrame: params.onFrame,
      onGap: params.onGap,
      onLost: () => this.#askAnew(),
    });
  }

  start(): void {
    window.addEventListener('online', this.retryNow);
    window.addEventListener('offline', this.#wentOffline);
    document.addEventListener('visibilitychange', this.#wake);
    void this.#connect();
  }

  stop(): void {
    window.removeEventListener('online', this.retryNow);
    window.removeEventListener('offline', this.#wentOffline);
    document.removeEventListener('visibilitychange', this.#wake);
    this.#drop(CLOSE.normal);
    this.#params.onConnection({ state: 'stopped' });
  }

  /** For the person who does not want to wait for the countdown, or has just entered the token. */
  retryNow = (): void => {
    this.#drop(CLOSE.normal);
    this.#attempt = 0;
    void this.#connect();
  };

  /** Replaces the subscription, now and for every connection to come. */
  subscribe(subscription: Subscription): void {
    this.#subscription = subscription;
    if (this.#isOpen) this.#askAnew();
  }

  #wentOffline = (): void => {
    // A server on this very machine needs no network.
    if (this.#params.isOnline()) return;
    this.#drop(CLOSE.normal);
    this.#params.onConnection({ state: 'offline' });
  };

  /** A phone that was asleep may hold a connection that ended long ago, or wait out a countdown for nobody. */
  #wake = (): void => {
    if (document.visibilityState !== 'visible') return;
    if (this.#isOpen) this.#ping();
    else if (this.#transport === null && this.#timer !== undefined) this.retryNow();
  };

  async #connect(): Promise<void> {
    if (!this.#params.isOnline()) {
      this.#params.onConnection({ state: 'offline' });
      return;
    }
    this.#params.onConnection({ state: 'connecting', attempt: this.#attempt });
    const generation = ++this.#generation;
    if (this.#unopened >= UNOPENED_MAX) {
      this.#openEvents(generation);
      return;
    }
    const token = this.#params.token();
    // Where no token is known, the browser may have been asked for a password, which opens the door to a ticket too.
    const needsTicket = token !== null || this.#unopened > 0;
    const admission = needsTicket ? await this.#askForTicket(token) : { ticket: null };
    if (generation !== this.#generation) return;
    if (admission === 'unauthorized') {
      this.#params.onConnection({ state: 'unauthorized' });
      return;
    }
    const { ticket } = admission;
    const url = `${this.#params.origin.replace(/^http/, 'ws')}/ws`;
    const wire = this.#params.open(ticket === null ? url : `${url}?ticket=${ticket}`);
    this.#transport = openWebSocket(wire, this.#events(generation, 'websocket'));
  }

  #askForTicket(token: string | null) {
    const url = `${this.#params.origin}/api/v1/live/tickets`;
    return askForTicket({ url, token, fetch: this.#params.fetch });
  }

  #openEvents(generation: number): void {
    const query = toQuery(this.#subscription, this.#recovery.since);
    const url = `${this.#params.origin}/api/v1/events?${query}`;
    const { token, fetch } = this.#params;
    const events = this.#events(generation, 'events');
    this.#transport = openEventStream({ url, token: token(), fetch }, events);
  }

  #events(generation: number, by: 'websocket' | 'events'): TransportEvents {
    const isCurrent = () => generation === this.#generation;
    return {
      onOpen: () => {
        if (!isCurrent()) return;
        this.#isOpen = true;
        this.#openedAt = this.#params.now();
        // After an event stream, one WebSocket that does not open is enough to go back to it.
        this.#unopened = by === 'websocket' ? 0 : UNOPENED_MAX - 1;
        this.#recovery.connected();
        this.#transport?.send(toOperation(this.#subscription, this.#recovery.since));
        this.#params.onConnection({ state: 'live', by });
        this.#watch();
      },
      onLife: () => {
        if (isCurrent()) this.#watch();
      },
      onText: (text) => {
        const frame = isCurrent() ? parseFrame(text) : null;
        if (frame !== null) this.#recovery.receive(frame);
      },
      onEnd: ({ code, reason }) => {
        if (!isCurrent()) return;
        if (!this.#isOpen) this.#unopened = by === 'websocket' ? this.#unopened + 1 : 1;
        this.#lost(code, reason);
      },
    };
  }

  #lost(code: number, reason: string): void {
    const isStable = this.#isOpen && this.#params.now() - this.#openedAt >= STABLE_AFTER_MS;
    this.#drop(CLOSE.normal);
    const { comesBack, text } = meaningOf(code);
    const why = reason === '' ? text : reason;
    if (code === CLOSE.unauthorized) {
      this.#params.onConnection({ state: 'unauthorized' });
      return;
    }
    if (!comesBack) {
      this.#params.onConnection({ state: 'refused', why });
      return;
    }
    if (!this.#params.isOnline()) {
      this.#params.onConnection({ state: 'offline' });
      return;
    }
    if (isStable) this.#attempt = 0;
    const delay = reconnectDelay(this.#attempt, code, this.#params.random);
    this.#attempt += 1;
    const retryAt = this.#params.now() + delay;
    this.#params.onConnection({ state: 'waiting', attempt: this.#attempt, retryAt, why });
    this.#timer = setTimeout(() => void this.#connect(), delay);
  }

  /** Any message proves life; only silence costs a ping. */
  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#ping(), PING_AFTER_MS);
  }

  #ping(): void {
    clearTimeout(this.#watchdog);
    const isAsked = this.#transport?.send({ op: 'ping' });
    // A dead link may never report its end, so we do not wait for it.
    const within = isAsked === true ? PONG_WITHIN_MS : SIGN_WITHIN_MS;
    this.#watchdog = setTimeout(() => this.#lost(CLOSE.silent, ''), within);
  }

  /** Subscribes again on the same connection, which brings whole figures; where that is impossible, on another. */
  #askAnew(): void {
    if (this.#transport?.send(toOperation(this.#subscription, null)) !== false) return;
    this.#drop(CLOSE.renewed);
    // Only an event stream cannot be spoken to, and another one is what is wanted.
    this.#unopened = UNOPENED_MAX;
    void this.#connect();
  }

  #drop(code: number): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    this.#timer = undefined;
    this.#generation += 1;
    this.#isOpen = false;
    const transport = this.#transport;
    this.#transport = null;
    transport?.close(code);
  }
}
