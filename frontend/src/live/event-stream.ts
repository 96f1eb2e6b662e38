import { CLOSE } from '@/live/close-codes';
import { bearer } from '@/live/tickets';
import type { Transport, TransportEvents } from '@/live/transport';

interface EventStreamParams {
  url: string;
  token: string | null;
  fetch: typeof fetch;
}

/**
 * Reads server-sent events, for networks that block WebSockets.
 *
 * Uses `fetch` because `EventSource` cannot send a token, hides the status, and reconnects without backoff. The client
 * cannot send anything, so a changed subscription needs a new stream.
 */
export function openEventStream(params: EventStreamParams, events: TransportEvents): Transport {
  const abort = new AbortController();
  const end = (code: number, reason = '') => {
    if (abort.signal.aborted) return;
    abort.abort();
    events.onEnd({ code, reason });
  };
  const read = async () => {
    const response = await params.fetch(params.url, {
      headers: { accept: 'text/event-stream', ...bearer(params.token) },
      signal: abort.signal,
      cache: 'no-store',
    });
    if (!response.ok || response.body === null) {
      end(codeOf(response.status));
      return;
    }
    events.onOpen();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser((data) => events.onText(data));
    for (;;) {
      const { done, value } = await reader.read();
      if (done || abort.signal.aborted) break;
      events.onActivity();
      parser.push(value);
    }
    end(CLOSE.goingAway);
  };
  read().catch(() => end(CLOSE.broken));
  return { send: () => false, close: () => abort.abort() };
}

/** Returns the close code that corresponds to an HTTP status. */
function codeOf(status: number): number {
  if (status === 401) return CLOSE.unauthorized;
  if (status === 403) return CLOSE.forbidden;
  return status === 429 || status === 503 ? CLOSE.tryAgainLater : CLOSE.broken;
}

/** Splits a stream into the data of its events. Ignores IDs and names, which the data contains. */
export class EventParser {
  #rest = '';
  #data: string[] = [];
  readonly #onData: (data: string) => void;

  constructor(onData: (data: string) => void) {
    this.#onData = onData;
  }

  /** Parses a chunk, which may end in the middle of a line. */
  push(chunk: string): void {
    const lines = `${this.#rest}${chunk}`.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  #line(line: string): void {
    if (line.startsWith('data:')) {
      this.#data.push(line.slice(line.charAt(5) === ' ' ? 6 : 5));
      return;
    }
    if (line !== '' || this.#data.length === 0) return;
    const data = this.#data.join('\n');
    this.#data = [];
    this.#onData(data);
  }
}
