import { expect, test } from 'vitest';
import {
  ALERTS_KEPT,
  applyFrame,
  EARLY_KEPT,
  emptyFeed,
  POSTS_KEPT,
  withFilter,
  withHistory,
  type Feed,
} from '@/live/feed';
import type { Sentiment } from '@/api/wire';
import type { ServerFrame } from '@/live/frames';
import { storedPerShown } from '@/live/sampling';
import {
  NOON,
  sampleAlert,
  sampleFrame,
  samplePost,
  sampleSnapshot,
  sampleSystem,
  sampleTiers,
} from '@/testing/samples';

/** Feeds `count` posts, `everyMs` apart. */
function pour(feed: Feed, count: number, everyMs: number): Feed {
  for (let i = 0; i < count; i += 1) {
    feed = applyFrame(feed, sampleFrame('message:new', samplePost(i), i * everyMs));
  }
  return feed;
}

test('a metrics frame replaces the figures and nothing else', () => {
  const before = pour(emptyFeed, 1, 0);
  const snapshot = sampleSnapshot();
  const after = applyFrame(before, sampleFrame('metrics:update', snapshot));
  expect(after.metrics).toBe(snapshot);
  expect(after.posts).toBe(before.posts);
});

test('the newest post is first', () => {
  expect(pour(emptyFeed, 3, 1_000).posts.map(({ post }) => post.id)).toEqual(['2', '1', '0']);
});

test('a duplicate post is shown once', () => {
  const frame = sampleFrame('message:new', samplePost(1));
  expect(applyFrame(applyFrame(emptyFeed, frame), frame).posts).toHaveLength(1);
});

test('a slow stream is shown completely', () => {
  const feed = pour(emptyFeed, 20, 1_000);
  expect(feed.posts).toHaveLength(20);
  expect(storedPerShown(feed.sampling, 1)).toBe(1);
});

test('1,000 posts per second are sampled, and the ratio is known', () => {
  const feed = pour(emptyFeed, 20_000, 1);
  expect(feed.received).toBe(20_000);
  expect(feed.posts.length).toBeLessThanOrEqual(POSTS_KEPT);
  expect(storedPerShown(feed.sampling, 1)).toBeGreaterThan(400);
  expect(storedPerShown(feed.sampling, 1)).toBeLessThan(600);
});

test('posts that the server skipped count towards the ratio', () => {
  expect(storedPerShown({ ...emptyFeed.sampling, oneIn: 5 }, 0.1)).toBe(50);
});

test('the list never exceeds its limit', () => {
  expect(pour(emptyFeed, POSTS_KEPT * 3, 1_000).posts).toHaveLength(POSTS_KEPT);
});

test('a frame with an invalid time is still shown', () => {
  const frame = { ...sampleFrame('message:new', samplePost(1)), ts: 'yesterday' };
  expect(applyFrame(emptyFeed, frame).posts).toHaveLength(1);
});

test('a filter rejects other posts and clears the list', () => {
  const filtered = withFilter(pour(emptyFeed, 3, 1_000), { source: 'http' });
  expect(filtered.posts).toEqual([]);
  const replayed = applyFrame(filtered, sampleFrame('message:new', samplePost(9)));
  expect(replayed).toBe(filtered);
  const posted = sampleFrame('message:new', samplePost(10, { source: 'http' }));
  expect(applyFrame(filtered, posted).posts).toHaveLength(1);
});

test('a product filter matches a post with several products', () => {
  const feed = withFilter(emptyFeed, { product: 'McGregor' });
  const both = samplePost(1, { products: ['Mayweather', 'McGregor'] });
  expect(applyFrame(feed, sampleFrame('message:new', both)).posts).toHaveLength(1);
});

test('history is appended without duplicates', () => {
  const feed = withHistory(pour(emptyFeed, 2, 1_000), [samplePost(1), samplePost(50)]);
  expect(feed.posts.map(({ post }) => post.id)).toEqual(['1', '0', '50']);
});

test('history that arrived after the oldest post of the list is not put below it', () => {
  const newer = samplePost(50, { received_at: new Date(NOON + 1_500).toISOString() });
  const feed = withHistory(pour(emptyFeed, 2, 1_000), [newer]);
  expect(feed.posts.map(({ post }) => post.id)).toEqual(['1', '0']);
});

test('history for another filter is not shown', () => {
  const feed = withHistory(withFilter(emptyFeed, { source: 'http' }), [samplePost(1)]);
  expect(feed.posts).toEqual([]);
});

test('an updated alert replaces the earlier version', () => {
  const open = applyFrame(emptyFeed, sampleFrame('alert:churn', sampleAlert()));
  const resolved = sampleAlert({ state: 'resolved' });
  const after = applyFrame(open, sampleFrame('alert:resolved', resolved));
  expect(after.alerts).toEqual([resolved]);
});

test('a late push of an earlier version does not reopen an alert', () => {
  const resolved = sampleAlert({ state: 'resolved', revision: 2 });
  const feed = applyFrame(emptyFeed, sampleFrame('alert:resolved', resolved));
  const late = sampleFrame('alert:churn', sampleAlert({ revision: 1 }));
  expect(applyFrame(feed, late).alerts).toEqual([resolved]);
});

test('the number of alerts is limited', () => {
  let feed = emptyFeed;
  for (let i = 0; i < ALERTS_KEPT * 2; i += 1) {
    feed = applyFrame(feed, sampleFrame('alert:churn', sampleAlert({ id: String(i) })));
  }
  expect(feed.alerts).toHaveLength(ALERTS_KEPT);
});

/** A correction of post `n`, as frame `offset`. */
function correction(n: number, label: Sentiment, offset: number): ServerFrame {
  const { post, score } = samplePost(n);
  const sentiment = { ...score.sentiment, label };
  const model = { name: 'deep', version: '1', hash: '0123' };
  const frame = sampleFrame('message:update', { post, score: { ...score, sentiment, model } });
  return { ...frame, id: `e:${offset}` } as ServerFrame;
}

const labelsOf = (feed: Feed) => feed.posts.map(({ score }) => score.sentiment.label);

test('a correction updates its post in place and keeps the earlier score', () => {
  const before = pour(emptyFeed, 3, 1_000);
  const after = applyFrame(before, correction(1, 'negative', 9));
  expect(after.posts.map(({ post }) => post.id)).toEqual(['2', '1', '0']);
  expect(labelsOf(after)).toEqual(['positive', 'negative', 'positive']);
  expect(after.posts[1]?.correction?.was?.model.name).toBe('swift');
  expect(after.posts[0]).toBe(before.posts[0]);
});

test('a correction is not counted as a post', () => {
  const before = pour(emptyFeed, 3, 1_000);
  const after = applyFrame(before, correction(1, 'negative', 9));
  expect(after.received).toBe(3);
  expect(after.sampling).toBe(before.sampling);
  expect(after.metrics).toBe(before.metrics);
});

test('a correction of a post that is not shown shows nothing', () => {
  const before = pour(emptyFeed, 3, 1_000);
  const after = applyFrame(before, correction(77, 'negative', 9));
  expect(after.posts).toBe(before.posts);
  expect(after.received).toBe(3);
});

test('a correction that arrives before its post is shown with it', () => {
  const early = applyFrame(emptyFeed, correction(1, 'negative', 9));
  const feed = applyFrame(early, sampleFrame('message:new', samplePost(1)));
  expect(labelsOf(feed)).toEqual(['negative']);
  expect(feed.posts[0]?.correction?.was).toBeNull();
});

test('earlier history does not undo a correction', () => {
  const early = applyFrame(emptyFeed, correction(1, 'negative', 9));
  expect(labelsOf(withHistory(early, [samplePost(1)]))).toEqual(['negative']);
});

test('a duplicate post does not undo its correction', () => {
  const posted = sampleFrame('message:new', samplePost(1));
  const corrected = applyFrame(applyFrame(emptyFeed, posted), correction(1, 'negative', 9));
  expect(labelsOf(applyFrame(corrected, posted))).toEqual(['negative']);
});

test.each([
  ['shown', pour(emptyFeed, 2, 1_000)],
  ['not shown yet', emptyFeed],
])('of two corrections of a post %s, the later one wins, whichever arrives first', (_, feed) => {
  const [first, second] = [correction(1, 'neutral', 9), correction(1, 'negative', 10)];
  for (const frames of [
    [first, second],
    [second, first],
  ]) {
    const after = [...frames, sampleFrame('message:new', samplePost(1))].reduce(applyFrame, feed);
    expect(after.posts.find(({ post }) => post.id === '1')?.score.sentiment.label).toBe('negative');
  }
});

test('a correction from a restarted server counts as later', () => {
  const feed = applyFrame(pour(emptyFeed, 2, 1_000), correction(1, 'neutral', 900));
  const anew = { ...correction(1, 'negative', 1), id: 'f:1' } as ServerFrame;
  expect(labelsOf(applyFrame(feed, anew))).toEqual(['negative', 'positive']);
});

test('the number of early corrections is limited', () => {
  let feed = emptyFeed;
  for (let n = 0; n < EARLY_KEPT * 2; n += 1) feed = applyFrame(feed, correction(n, 'neutral', n));
  expect(feed.early).toHaveLength(EARLY_KEPT);
});

test('system and error frames are kept', () => {
  const system = { ...sampleSystem, tiers: sampleTiers() };
  const feed = applyFrame(emptyFeed, sampleFrame('system:update', system));
  expect(feed.system).toBe(system);
  const error = { code: 'unknown_op', message: 'unknown operation `shout`' };
  expect(applyFrame(feed, sampleFrame('error', error)).error).toEqual(error);
});

test('an unknown event changes nothing', () => {
  const frame = { ...sampleFrame('pong', {}), event: 'job:update' } as never;
  expect(applyFrame(emptyFeed, frame)).toBe(emptyFeed);
});

test('posts that the server skipped count as received but not shown', () => {
  const skipped = { by_rate: 80, too_slow: 11 };
  const frame = { event: 'message:skipped', feed: null, id: null, ts: '', data: skipped };
  const before = applyFrame(emptyFeed, sampleFrame('message:new', samplePost(1)));
  const after = applyFrame(before, frame as unknown as ServerFrame);
  expect(after.received).toBe(92);
  expect(storedPerShown(after.sampling, 1)).toBe(92);
  expect(after.posts).toHaveLength(1);
});
