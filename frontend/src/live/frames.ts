import type { ClientOpSchema, ServerFrameSchema } from '@/api/wire';

/** A frame as delivered to the subscriber, with patches already applied. */
export type ServerFrame = Exclude<ServerFrameSchema, { event: 'metrics:delta' }>;

/** A patch: `data` applies to the frame `base`. */
export type DeltaFrame = Extract<ServerFrameSchema, { event: 'metrics:delta' }>;

/** A feed to subscribe to. */
export type Feed = NonNullable<ServerFrameSchema['feed']>;

type SubscribeOp = Extract<ClientOpSchema, { op: 'subscribe' }>;

/** Filters posts and alerts; metrics are never filtered. */
export type Filter = NonNullable<SubscribeOp['filter']>;

export interface Subscription {
  feeds: readonly Feed[];
  filter?: Filter;
  /** The maximum posts per second, 0.1–1000; the server samples evenly. */
  maxRate?: number;
  /** Whether the server may send patches, which are several times smaller. */
  delta?: boolean;
}

/** A frame that the client sends. */
export type ClientFrame = ClientOpSchema;

/** The server's response to a subscription. */
export type Subscribed = Extract<ServerFrameSchema, { event: 'subscribed' }>['data'];

/**
 * Parses one message.
 *
 * Returns null for unknown messages, so that a newer server does not break an older page.
 */
export function parseFrame(text: string): ServerFrame | DeltaFrame | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { event, data } = value as { event?: unknown; data?: unknown };
    if (typeof event !== 'string') return null;
    if (event !== 'pong' && (typeof data !== 'object' || data === null)) return null;
    return value as ServerFrame | DeltaFrame;
  } catch {
    return null;
  }
}

/** Returns the operation that subscribes from position `since`. */
export function toOperation(subscription: Subscription, since: string | null): ClientFrame {
  const { feeds, filter, maxRate, delta } = subscription;
  return {
    op: 'subscribe',
    feeds: [...feeds],
    ...(filter !== undefined && { filter }),
    ...(maxRate !== undefined && { max_rate: maxRate }),
    ...(delta !== undefined && { delta }),
    ...(since !== null && { since }),
  };
}

/** Returns the subscription as a query string, for connections that cannot send. */
export function toQuery(subscription: Subscription, since: string | null): string {
  const { feeds, filter = {}, maxRate, delta } = subscription;
  const query = new URLSearchParams({ feeds: feeds.join(',') });
  const rest = { ...filter, max_rate: maxRate, delta, since };
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  return query.toString();
}
