import type { Alert, MetricsSnapshot, Post, Score, ScoredPost, SystemStatus } from '@/api/wire';
import type { ServerFrame } from '@/live/frames';
import { admit, freshSampling, type Sampling } from '@/live/sampling';

/** Enough to scroll back about a minute. */
export const POSTS_KEPT = 80;

/** An upper bound; alerts are rare. */
export const ALERTS_KEPT = 100;

/** A correction may arrive shortly before its post; this covers a busy second. */
export const EARLY_KEPT = 200;

/** A correction of a post's score by the deep model. */
export interface Correction {
  /** The frame that brought it. */
  frame: string;
  /** The score shown before; null if the post was not shown. */
  was: Score | null;
}

/** A post in the list, with its latest score. */
export interface ShownPost extends ScoredPost {
  correction?: Correction;
}

/** A correction of a post that is not shown, usually because of sampling. */
interface EarlyCorrection {
  uuid: string;
  score: Score;
  frame: string;
}

/** Which posts the feed shows. Metrics frames are never filtered: they are sums. */
export type PostFilter = Partial<
  Record<'source' | 'platform' | 'product' | 'channel' | 'city', string>
>;

/** Everything received over the socket so far. Immutable. */
export interface Feed {
  metrics: MetricsSnapshot | null;
  /** Newest first, sampled. */
  posts: ShownPost[];
  /** Newest first; for posts that arrive after their correction. */
  early: EarlyCorrection[];
  sampling: Sampling;
  /** The number of posts that matched the filter, shown or not. */
  received: number;
  /** Only alerts received over the socket; earlier ones come from the API. */
  alerts: Alert[];
  system: SystemStatus | null;
  error: { code: string; message: string } | null;
  filter: PostFilter;
}

export const emptyFeed: Feed = {
  metrics: null,
  posts: [],
  early: [],
  sampling: freshSampling,
  received: 0,
  alerts: [],
  system: null,
  error: null,
  filter: {},
};

/** Applies one frame. Pure, so the tests need no socket. */
export function applyFrame(feed: Feed, frame: ServerFrame): Feed {
  switch (frame.event) {
    case 'metrics:initial':
    case 'metrics:update':
      return { ...feed, metrics: frame.data };
    case 'message:new':
      return addPost(feed, frame.data, Date.parse(frame.ts));
    case 'message:update':
      return correctPost(feed, frame.data, frame.id);
    case 'message:skipped':
      return skipPosts(feed, frame.data.by_rate + frame.data.too_slow);
    case 'alert:churn':
    case 'alert:negativity':
    case 'alert:spike':
    case 'alert:virality':
    case 'alert:threshold':
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

/** Changes the filter and clears the list. */
export function withFilter(feed: Feed, filter: PostFilter): Feed {
  return { ...feed, filter, posts: [], sampling: freshSampling };
}

/** Clears posts and alerts after a gap, because they would no longer be complete. */
export function withoutEvents(feed: Feed): Feed {
  return { ...feed, posts: [], early: [], alerts: [], sampling: freshSampling };
}

/** Appends posts that arrived before the oldest in the list, which stays in order. */
export function withHistory(feed: Feed, history: readonly ScoredPost[]): Feed {
  const known = new Set(feed.posts.map((shown) => shown.post.uuid));
  const oldest = Math.min(...feed.posts.map(({ post }) => Date.parse(post.received_at)));
  const older = history.filter(
    ({ post }) =>
      !known.has(post.uuid) &&
      Date.parse(post.received_at) <= oldest &&
      matchesFilter(post, feed.filter),
  );
  const posts = older.map((scored) => withEarly(scored, feed.early));
  return { ...feed, posts: [...feed.posts, ...posts].slice(0, POSTS_KEPT) };
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
  // A post may arrive twice, with the history and over the socket.
  if (!shown || feed.posts.some((known) => known.post.uuid === scored.post.uuid)) {
    return { ...feed, sampling, received };
  }
  const posts = [withEarly(scored, feed.early), ...feed.posts].slice(0, POSTS_KEPT);
  return { ...feed, sampling, received, posts };
}

/** Counts posts that the server skipped as part of the sampling. */
function skipPosts(feed: Feed, n: number): Feed {
  const sampling = { ...feed.sampling, seen: feed.sampling.seen + n };
  return { ...feed, sampling, received: feed.received + n };
}

/** Updates a post in place. A correction is neither counted nor sampled. */
function correctPost(feed: Feed, { post, score }: ScoredPost, frame: string): Feed {
  const shown = feed.posts.find((known) => known.post.uuid === post.uuid);
  if (shown === undefined) {
    return { ...feed, early: keepNewest(feed.early, { uuid: post.uuid, score, frame }) };
  }
  if (shown.correction !== undefined && !isLater(frame, shown.correction.frame)) return feed;
  const corrected = { ...shown, score, correction: { frame, was: shown.score } };
  return { ...feed, posts: feed.posts.map((known) => (known === shown ? corrected : known)) };
}

function keepNewest(early: EarlyCorrection[], correction: EarlyCorrection): EarlyCorrection[] {
  const known = early.find(({ uuid }) => uuid === correction.uuid);
  if (known !== undefined && !isLater(correction.frame, known.frame)) return early;
  return [correction, ...early.filter((other) => other !== known)].slice(0, EARLY_KEPT);
}

/** Applies an early correction, which is newer than the score that the post was stored with. */
function withEarly(scored: ScoredPost, early: EarlyCorrection[]): ShownPost {
  const found = early.find(({ uuid }) => uuid === scored.post.uuid);
  if (found === undefined) return scored;
  return { ...scored, score: found.score, correction: { frame: found.frame, was: null } };
}

/** Compares frame IDs (`epoch:offset`). With different epochs, `frame` is later, because it arrived later. */
function isLater(frame: string, than: string): boolean {
  const [epoch, offset] = frame.split(':');
  const [otherEpoch, otherOffset] = than.split(':');
  return epoch !== otherEpoch || !(Number(offset) <= Number(otherOffset));
}

/** Keeps the version with the highest revision: frames may arrive out of order. */
function upsertAlert(alerts: Alert[], alert: Alert): Alert[] {
  const known = alerts.find(({ id }) => id === alert.id);
  if (known !== undefined && known.revision > alert.revision) return alerts;
  return [alert, ...alerts.filter((other) => other !== known)].slice(0, ALERTS_KEPT);
}
