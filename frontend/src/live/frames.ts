import type { AlertNewsSchema, ClientOpSchema, ServerFrameSchema } from '@/api/wire';

/** Everything the server says over the socket, and what the contract lets it say one day. */
export type ServerFrame =
  ServerFrameSchema | (AlertNewsSchema & { event: 'alert:spike' | 'alert:virality' });

/** Everything we say to the server. */
export type ClientFrame = ClientOpSchema;

/**
 * Reads one text message.
 *
 * Answers null for what it does not understand, so that a newer server with more events does not break an older page.
 */
export function parseFrame(text: string): ServerFrame | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { event, data } = value as { event?: unknown; data?: unknown };
    if (typeof event !== 'string') return null;
    if (event !== 'pong' && (typeof data !== 'object' || data === null)) return null;
    return value as ServerFrame;
  } catch {
    return null;
  }
}
