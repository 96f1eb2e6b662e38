import type { ClientFrame } from '@/live/frames';

/** One connection, by whatever means. After `onEnd` nothing else is called. */
export interface Transport {
  /** Says something to the server; false where this kind of connection cannot. */
  send: (frame: ClientFrame) => boolean;
  close: (code: number) => void;
}

export interface TransportEvents {
  onOpen: () => void;
  /** The server is there, though it may have said nothing of interest. */
  onLife: () => void;
  onText: (text: string) => void;
  onEnd: (end: { code: number; reason: string }) => void;
}
