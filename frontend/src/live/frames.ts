import type { ClientOpSchema, ServerFrameSchema } from '@/api/wire';

/** Everything that a subscriber is handed. Patches of figures have been applied by then. */
export type ServerFrame = Exclude<ServerFrameSchema, { event: 'metrics:delta' }>;

/** Figures as they travel to who asked for patches: `data` is to be applied to the frame `base`. */
export type DeltaFrame = Extract<ServerFrameSchema, { event: 'metrics:delta' }>;

/** What a subscriber can ask to hear of. */
export type Feed = NonNullable<ServerFrameSchema['feed']>;

type SubscribeOp = Extract<ClientOpSchema, { op: 'subscribe' }>;

/** What narrows posts and alerts; figures are sums and are never narrowed. */
export type Filter = NonNullable<SubscribeOp['filter']>;

/** What a subscriber wants. */
export interface Subscription {
  feeds: readonly Feed[];
  filter?: Filter;
  /** Posts per second at most, 0.1–1000; the server picks an even sample. */
  maxRate?: number;
  /** Whether the figures may travel as patches, which are several times smaller. */
  delta?: boolean;
}

/** Everything we say to the server. */
export type ClientFrame = ClientOpSchema;

/** What the server says of a subscription. */
export type Subscribed = Extract<ServerFrameSchema, { event: 'subscribed' }>['data'];

/**
 * Reads one text message.
 *
 * Answers null for what it does not understand, so that a newer server with more events does not break an older page.
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

/** The operation that asks for a subscription, from where we stand. */
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

/** The same as the query of an address, for connections that cannot say anything. */
export function toQuery(subscription: Subscription, since: string | null): string {
  const { feeds, filter = {}, maxRate, delta } = subscription;
  const query = new URLSearchParams({ feeds: feeds.join(',') });
  const rest = { ...filter, max_rate: maxRate, delta, since };
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  return query.toString();
}
