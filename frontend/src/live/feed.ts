import type { Alert, MetricsSnapshot, Post, ScoredPost, SystemStatus } from '@/api/wire';
import type { ServerFrame } from '@/live/frames';
import { admit, freshSampling, type Sampling } from '@/live/sampling';

/** Enough to scroll back through about a minute; more would only grow the page. */
export const POSTS_KEPT = 80;

/** Alerts are rare; this bounds a day gone wrong. */
export const ALERTS_KEPT = 100;

/** Which posts the feed shows. Metrics frames are never filtered: they are sums. */
export type PostFilter = Partial<
  Record<'source' | 'platform' | 'product' | 'channel' | 'city', string>
>;

/** What the socket has told us so far. Replaced, never changed in place. */
export interface Feed {
  metrics: MetricsSnapshot | null;
  /** Newest first, sampled. */
  posts: ScoredPost[];
  sampling: Sampling;
  /** Posts that matched the filter since the page was opened, shown or not. */
  received: number;
  /** Only what arrived by socket; the list of earlier ones comes from REST. */
  alerts: Alert[];
  system: SystemStatus | null;
  error: { code: string; message: string } | null;
  filter: PostFilter;
}

export const emptyFeed: Feed = {
  metrics: null,
  posts: [],
  sampling: freshSampling,
  received: 0,
  alerts: [],
  system: null,
  error: null,
  filter: {},
};

/** The whole effect of one frame. Pure, so the tests need no socket. */
export function applyFrame(feed: Feed, frame: ServerFrame): Feed {
  switch (frame.event) {
    case 'metrics:initial':
    case 'metrics:update':
      return { ...feed, metrics: frame.data };
    case 'message:new':
      return addPost(feed, frame.data, Date.parse(frame.ts));
    case 'alert:churn':
    case 'alert:negativity':
    case 'alert:spike':
    case 'alert:virality':
    case 'alert:resolved':
      return { ...feed, alerts: upsertAlert(feed.alerts, frame.data) };
    case 'system:update':
      return { ...feed, system: frame.data };
    case 'error':
      return { ...feed, error: frame.data };
    default:
      return feed;
  }
}

/** Starts the list anew: posts of the former filter must not stand under the new one. */
export function withFilter(feed: Feed, filter: PostFilter): Feed {
  return { ...feed, filter, posts: [], sampling: freshSampling };
}

/** Puts history below what has already arrived, without showing a post twice. */
export function withHistory(feed: Feed, history: readonly ScoredPost[]): Feed {
  const known = new Set(feed.posts.map((shown) => shown.post.uuid));
  const older = history.filter(
    ({ post }) => !known.has(post.uuid) && matchesFilter(post, feed.filter),
  );
  return { ...feed, posts: [...feed.posts, ...older].slice(0, POSTS_KEPT) };
}

export function matchesFilter(post: Post, filter: PostFilter): boolean {
  return (
    (filter.source === undefined || post.source === filter.source) &&
    (filter.platform === undefined || post.platform === filter.platform) &&
    (filter.channel === undefined || post.channel === filter.channel) &&
    (filter.city === undefined || post.city === filter.city) &&
    (filter.product === undefined || post.products.includes(filter.product))
  );
}

function addPost(feed: Feed, scored: ScoredPost, at: number): Feed {
  if (!matchesFilter(scored.post, feed.filter)) return feed;
  const { sampling, shown } = admit(feed.sampling, at);
  const received = feed.received + 1;
  // A post can come twice, from history and from the socket.
  if (!shown || feed.posts.some((known) => known.post.uuid === scored.post.uuid)) {
    return { ...feed, sampling, received };
  }
  return { ...feed, sampling, received, posts: [scored, ...feed.posts].slice(0, POSTS_KEPT) };
}

function upsertAlert(alerts: Alert[], alert: Alert): Alert[] {
  return [alert, ...alerts.filter((known) => known.id !== alert.id)].slice(0, ALERTS_KEPT);
}
