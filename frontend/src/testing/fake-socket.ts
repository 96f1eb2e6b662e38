import type { Wire } from '@/live/websocket';

/** A WebSocket controlled by the test. */
export class FakeSocket implements Wire {
  static opened: FakeSocket[] = [];

  onopen: Wire['onopen'] = null;
  onmessage: Wire['onmessage'] = null;
  onclose: Wire['onclose'] = null;
  readonly sent: unknown[] = [];
  readonly url: string;
  closedWith: number | null = null;

  constructor(url: string) {
    this.url = url;
    FakeSocket.opened.push(this);
  }

  /** Returns the latest socket; throws if none was opened. */
  static latest(): FakeSocket {
    const socket = FakeSocket.opened.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  }

  send(data: Parameters<Wire['send']>[0]): void {
    this.sent.push(JSON.parse(String(data)));
  }

  close(code?: number): void {
    this.closedWith = code ?? 1005;
  }

  /** The server accepts the connection. */
  accept(): void {
    this.onopen?.call(this as unknown as WebSocket, new Event('open'));
  }

  /** The server sends a message. */
  say(message: unknown): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message);
    this.onmessage?.call(this as unknown as WebSocket, new MessageEvent('message', { data }));
  }

  /** The connection ends. */
  end(code: number, reason = ''): void {
    this.onclose?.call(this as unknown as WebSocket, new CloseEvent('close', { code, reason }));
  }
}
