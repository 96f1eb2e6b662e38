import type { Transport, TransportEvents } from '@/live/transport';

/** The parts of a WebSocket that are used; the tests' fake has no others. */
export type Wire = Pick<WebSocket, 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose'>;

/** Opens a WebSocket. Where the address itself is refused, that is an end like any other. */
export function openWebSocket(wire: Wire, events: TransportEvents): Transport {
  wire.onopen = () => events.onOpen();
  wire.onmessage = ({ data }: MessageEvent<unknown>) => {
    events.onLife();
    if (typeof data === 'string') events.onText(data);
  };
  const detach = () => {
    wire.onopen = null;
    wire.onmessage = null;
    wire.onclose = null;
  };
  wire.onclose = ({ code, reason }) => {
    detach();
    events.onEnd({ code, reason });
  };
  return {
    send: (frame) => {
      wire.send(JSON.stringify(frame));
      return true;
    },
    close: (code) => {
      detach();
      wire.close(code);
    },
  };
}

export function newWebSocket(url: string): Wire {
  return new WebSocket(url);
}
