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
import { requestTicket } from '@/live/tickets';
import type { Transport, TransportEvents } from '@/live/transport';
import { newWebSocket, openWebSocket, type Wire } from '@/live/websocket';

/** After this much silence we ping; without a pong the connection is considered lost. */
const PING_AFTER_MS = 15_000;
const PONG_WITHIN_MS = 10_000;

/** We cannot ping over an event stream; the server sends a keep-alive every 15 seconds. */
const KEEP_ALIVE_WITHIN_MS = 20_000;

/** After a connection this long, the backoff starts over. */
const STABLE_AFTER_MS = 5_000;

/** After this many WebSockets in a row that never opened, we use an event stream. */
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
  /** The server's origin: `https://groundswell.example`. */
  origin: string;
  subscription: Subscription;
  /** Called once for every frame, in order; patches arrive as complete `metrics:update` frames. */
  onFrame: (frame: ServerFrame) => void;
  onConnection: (connection: Connection) => void;
  /** Called when frames were missed that cannot be recovered: drop or reload what you hold. */
  onGap: () => void;
  /** The access token, if known. */
  token?: () => string | null;
  open?: (url: string) => Wire;
  fetch?: typeof fetch;
  random?: () => number;
  now?: () => number;
  isOnline?: () => boolean;
}

/**
 * Keeps one connection to the server for as long as the page is open.
 *
 * It reconnects until the server rejects this client. After a reconnect it delivers everything that was missed, or calls
 * `onGap` first.
 */
export class LiveClient {
  readonly #params: Required<LiveClientParams>;
  readonly #recovery: Recovery;
  #subscription: Subscription;
  #transport: Transport | null = null;
  #isOpen = false;
  #openedAt = 0;
  /** The number of the current connection, to ignore events of earlier ones. */
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
      onLost: () => this.#resubscribe(),
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

  /** Reconnects at once: for a retry button, or after the token was entered. */
  retryNow = (): void => {
    this.#drop(CLOSE.normal);
    this.#attempt = 0;
    void this.#connect();
  };

  /** Replaces the subscription, for this connection and all later ones. */
  subscribe(subscription: Subscription): void {
    this.#subscription = subscription;
    if (this.#isOpen) this.#resubscribe();
  }

  #wentOffline = (): void => {
    // A server on this machine needs no network.
    if (this.#params.isOnline()) return;
    this.#drop(CLOSE.normal);
    this.#params.onConnection({ state: 'offline' });
  };

  /** Checks the connection, or skips the countdown, when the page becomes visible again. */
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
    // Without a token, the browser may hold a password, which also gets a ticket.
    const needsTicket = token !== null || this.#unopened > 0;
    const credentials = needsTicket ? await this.#requestTicket(token) : { ticket: null };
    if (generation !== this.#generation) return;
    if (credentials === 'unauthorized') {
      this.#params.onConnection({ state: 'unauthorized' });
      return;
    }
    const { ticket } = credentials;
    const url = `${this.#params.origin.replace(/^http/, 'ws')}/ws`;
    const wire = this.#params.open(ticket === null ? url : `${url}?ticket=${ticket}`);
    this.#transport = openWebSocket(wire, this.#events(generation, 'websocket'));
  }

  #requestTicket(token: string | null) {
    const url = `${this.#params.origin}/api/v1/live/tickets`;
    return requestTicket({ url, token, fetch: this.#params.fetch });
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
        // After an event stream, a single failed WebSocket is enough to fall back again.
        this.#unopened = by === 'websocket' ? 0 : UNOPENED_MAX - 1;
        this.#recovery.connected();
        this.#transport?.send(toOperation(this.#subscription, this.#recovery.since));
        this.#params.onConnection({ state: 'live', by });
        this.#watch();
      },
      onActivity: () => {
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
    const { canReconnect, text } = meaningOf(code);
    const why = reason === '' ? text : reason;
    if (code === CLOSE.unauthorized) {
      this.#params.onConnection({ state: 'unauthorized' });
      return;
    }
    if (!canReconnect) {
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

  /** Restarts the watchdog, after every message. */
  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#ping(), PING_AFTER_MS);
  }

  #ping(): void {
    clearTimeout(this.#watchdog);
    const isSent = this.#transport?.send({ op: 'ping' });
    // A dead connection may never report its end.
    const within = isSent === true ? PONG_WITHIN_MS : KEEP_ALIVE_WITHIN_MS;
    this.#watchdog = setTimeout(() => this.#lost(CLOSE.silent, ''), within);
  }

  /** Subscribes again to get a complete snapshot, on a new connection if this one cannot send. */
  #resubscribe(): void {
    if (this.#transport?.send(toOperation(this.#subscription, null)) !== false) return;
    this.#drop(CLOSE.renewed);
    // Only event streams cannot send, so open another one.
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
