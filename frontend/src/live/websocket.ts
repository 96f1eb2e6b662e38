import type { Transport, TransportEvents } from '@/live/transport';

/** The parts of a WebSocket that we use and the tests fake. */
export type Wire = Pick<WebSocket, 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose'>;

/** Wraps a WebSocket as a transport. */
export function openWebSocket(wire: Wire, events: TransportEvents): Transport {
  wire.onopen = () => events.onOpen();
  wire.onmessage = ({ data }: MessageEvent<unknown>) => {
    events.onActivity();
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
