import { describeClose, isRefusal, reconnectDelay } from '@/live/backoff';
import { parseFrame, type ClientFrame, type ServerFrame } from '@/live/frames';

/** A quiet server is normal; a server that does not answer a ping is gone. */
const PING_AFTER_MS = 15_000;
const PONG_WITHIN_MS = 10_000;

/** Ours to close a connection that fell silent; the range 4000–4999 is free for applications. */
const CLOSE_SILENT = 4000;

/** A connection that lived this long proves the server well, so the next failure starts counting afresh. */
const STABLE_AFTER_MS = 5_000;

export type Connection =
  | { state: 'connecting'; attempt: number }
  | { state: 'live' }
  | { state: 'waiting'; attempt: number; retryAt: number; why: string }
  | { state: 'offline' }
  | { state: 'refused'; why: string }
  | { state: 'stopped' };

/** The parts of a WebSocket that are used; the tests' fake has no others. */
export type Wire = Pick<WebSocket, 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose'>;

export interface LiveSocketParams {
  url: string;
  onFrame: (frame: ServerFrame) => void;
  onConnection: (connection: Connection) => void;
  open?: (url: string) => Wire;
  random?: () => number;
  now?: () => number;
  isOnline?: () => boolean;
}

/**
 * Keeps one connection to the server, for as long as the page is open.
 *
 * It never gives up by itself, except where the server says that this client is unwelcome. Nothing is replayed after
 * a reconnect: the server sends a full snapshot first.
 */
export class LiveSocket {
  readonly #params: Required<LiveSocketParams>;
  #wire: Wire | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(params: LiveSocketParams) {
    this.#params = {
      open: (url) => new WebSocket(url),
      random: Math.random,
      now: Date.now,
      isOnline: () => navigator.onLine,
      ...params,
    };
  }

  start(): void {
    window.addEventListener('online', this.retryNow);
    window.addEventListener('offline', this.#wentOffline);
    this.#connect();
  }

  stop(): void {
    window.removeEventListener('online', this.retryNow);
    window.removeEventListener('offline', this.#wentOffline);
    this.#drop(1000);
    this.#params.onConnection({ state: 'stopped' });
  }

  /** For the person who does not want to wait for the countdown. */
  retryNow = (): void => {
    this.#drop(1000);
    this.#attempt = 0;
    this.#connect();
  };

  #wentOffline = (): void => {
    this.#drop(1000);
    this.#params.onConnection({ state: 'offline' });
  };

  #connect(): void {
    if (!this.#params.isOnline()) {
      this.#params.onConnection({ state: 'offline' });
      return;
    }
    this.#params.onConnection({ state: 'connecting', attempt: this.#attempt });
    const wire = this.#params.open(this.#params.url);
    this.#wire = wire;
    let openedAt: number | null = null;
    wire.onopen = () => {
      openedAt = this.#params.now();
      this.#send({ op: 'subscribe', feeds: ['metrics', 'messages', 'alerts', 'system'] });
      this.#params.onConnection({ state: 'live' });
      this.#watch();
    };
    wire.onmessage = ({ data }: MessageEvent<unknown>) => {
      this.#watch();
      const frame = typeof data === 'string' ? parseFrame(data) : null;
      if (frame !== null) this.#params.onFrame(frame);
    };
    wire.onclose = ({ code, reason }) => {
      const stable = openedAt !== null && this.#params.now() - openedAt >= STABLE_AFTER_MS;
      this.#lost(code, reason, stable);
    };
  }

  #lost(code: number, reason: string, stable: boolean): void {
    this.#drop(1000);
    const why = describeClose(code, reason);
    if (isRefusal(code)) {
      this.#params.onConnection({ state: 'refused', why });
      return;
    }
    if (!this.#params.isOnline()) {
      this.#params.onConnection({ state: 'offline' });
      return;
    }
    if (stable) this.#attempt = 0;
    const delay = reconnectDelay(this.#attempt, code, this.#params.random);
    this.#attempt += 1;
    this.#params.onConnection({
      state: 'waiting',
      attempt: this.#attempt,
      retryAt: this.#params.now() + delay,
      why,
    });
    this.#timer = setTimeout(() => this.#connect(), delay);
  }

  /** Any message proves life; only silence costs a ping. */
  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      this.#send({ op: 'ping' });
      this.#watchdog = setTimeout(() => {
        this.#wire?.close(CLOSE_SILENT);
        // A dead link may never report its end, so we do not wait for it.
        this.#lost(CLOSE_SILENT, 'the server stopped answering', true);
      }, PONG_WITHIN_MS);
    }, PING_AFTER_MS);
  }

  #send(frame: ClientFrame): void {
    this.#wire?.send(JSON.stringify(frame));
  }

  #drop(code: number): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    const wire = this.#wire;
    this.#wire = null;
    if (wire === null) return;
    wire.onopen = null;
    wire.onmessage = null;
    wire.onclose = null;
    wire.close(code);
  }
}
