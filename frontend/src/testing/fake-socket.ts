import type { Wire } from '@/live/websocket';

/** A WebSocket whose other end is the test. */
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

  /** The newest one; fails the test where none was opened. */
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

  /** The server accepts. */
  accept(): void {
    this.onopen?.call(this as unknown as WebSocket, new Event('open'));
  }

  /** The server says something. */
  say(message: unknown): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message);
    this.onmessage?.call(this as unknown as WebSocket, new MessageEvent('message', { data }));
  }

  /** The server, or the network, ends it. */
  end(code: number, reason = ''): void {
    this.onclose?.call(this as unknown as WebSocket, new CloseEvent('close', { code, reason }));
  }
}
