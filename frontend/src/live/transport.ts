import type { ClientFrame } from '@/live/frames';

/** One connection over any transport. `onEnd` is the last event. */
export interface Transport {
  /** Sends a frame; false if this transport cannot send. */
  send: (frame: ClientFrame) => boolean;
  close: (code: number) => void;
}

export interface TransportEvents {
  onOpen: () => void;
  /** Any sign of life from the server. */
  onActivity: () => void;
  onText: (text: string) => void;
  onEnd: (end: { code: number; reason: string }) => void;
}
