import type { Alert, MetricsSnapshot, ScoredPost, SystemStatus } from '@/api/wire';

export type AlertEvent =
  'alert:churn' | 'alert:negativity' | 'alert:spike' | 'alert:virality' | 'alert:resolved';

interface Envelope<Event extends string, Data> {
  event: Event;
  /** Null in answers to our own operations, which belong to no feed and no sequence. */
  feed: string | null;
  /** `epoch:offset`; one sequence over all feeds. */
  id: string | null;
  ts: string;
  data: Data;
}

/** One frame type for each event, so that an event's name alone tells its data. */
type FrameOf<Event extends string, Data> = Event extends string ? Envelope<Event, Data> : never;

/** Everything the server says over the socket. */
export type ServerFrame =
  | FrameOf<'metrics:initial' | 'metrics:update', MetricsSnapshot>
  | FrameOf<'message:new', ScoredPost>
  | FrameOf<AlertEvent, Alert>
  | FrameOf<'system:update', SystemStatus>
  | FrameOf<'error', { code: string; message: string }>
  | FrameOf<'pong', unknown>;

/** Everything we say to the server. */
export type ClientFrame =
  | { op: 'subscribe'; feeds: readonly ('metrics' | 'messages' | 'alerts' | 'system')[] }
  | { op: 'ping' };

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
