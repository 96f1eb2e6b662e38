import { expect, test } from 'vitest';
import {
  ALERTS_KEPT,
  applyFrame,
  emptyFeed,
  POSTS_KEPT,
  withFilter,
  withHistory,
  type Feed,
} from '@/live/feed';
import { storedPerShown } from '@/live/sampling';
import {
  sampleAlert,
  sampleFrame,
  samplePost,
  sampleSnapshot,
  sampleSystem,
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

test('the newest post stands first', () => {
  expect(pour(emptyFeed, 3, 1_000).posts.map(({ post }) => post.id)).toEqual(['2', '1', '0']);
});

test('a post that comes twice is shown once', () => {
  const frame = sampleFrame('message:new', samplePost(1));
  expect(applyFrame(applyFrame(emptyFeed, frame), frame).posts).toHaveLength(1);
});

test('a slow stream is shown whole and says so', () => {
  const feed = pour(emptyFeed, 20, 1_000);
  expect(feed.posts).toHaveLength(20);
  expect(storedPerShown(feed.sampling, 1)).toBe(1);
});

test('a thousand posts a second are sampled, and the sample says how thin it is', () => {
  const feed = pour(emptyFeed, 20_000, 1);
  expect(feed.received).toBe(20_000);
  expect(feed.posts.length).toBeLessThanOrEqual(POSTS_KEPT);
  expect(storedPerShown(feed.sampling, 1)).toBeGreaterThan(400);
  expect(storedPerShown(feed.sampling, 1)).toBeLessThan(600);
});

test('what the server left out counts towards the sample', () => {
  expect(storedPerShown({ ...emptyFeed.sampling, oneIn: 5 }, 0.1)).toBe(50);
});

test('the list never grows beyond its bound', () => {
  expect(pour(emptyFeed, POSTS_KEPT * 3, 1_000).posts).toHaveLength(POSTS_KEPT);
});

test('a frame without a readable time is still shown', () => {
  const frame = { ...sampleFrame('message:new', samplePost(1)), ts: 'yesterday' };
  expect(applyFrame(emptyFeed, frame).posts).toHaveLength(1);
});

test('a filter keeps out what does not match and empties what stood there', () => {
  const filtered = withFilter(pour(emptyFeed, 3, 1_000), { source: 'http' });
  expect(filtered.posts).toEqual([]);
  const replayed = applyFrame(filtered, sampleFrame('message:new', samplePost(9)));
  expect(replayed).toBe(filtered);
  const posted = sampleFrame('message:new', samplePost(10, { source: 'http' }));
  expect(applyFrame(filtered, posted).posts).toHaveLength(1);
});

test('a product filter admits a post that names several', () => {
  const feed = withFilter(emptyFeed, { product: 'McGregor' });
  const both = samplePost(1, { products: ['Mayweather', 'McGregor'] });
  expect(applyFrame(feed, sampleFrame('message:new', both)).posts).toHaveLength(1);
});

test('history goes below what has arrived and repeats none of it', () => {
  const feed = withHistory(pour(emptyFeed, 2, 1_000), [samplePost(1), samplePost(50)]);
  expect(feed.posts.map(({ post }) => post.id)).toEqual(['1', '0', '50']);
});

test('history that belongs to another filter is not shown', () => {
  const feed = withHistory(withFilter(emptyFeed, { source: 'http' }), [samplePost(1)]);
  expect(feed.posts).toEqual([]);
});

test('an alert that changes replaces its former self', () => {
  const open = applyFrame(emptyFeed, sampleFrame('alert:churn', sampleAlert()));
  const resolved = sampleAlert({ state: 'resolved' });
  const after = applyFrame(open, sampleFrame('alert:resolved', resolved));
  expect(after.alerts).toEqual([resolved]);
});

test('a flood of alerts stays bounded', () => {
  let feed = emptyFeed;
  for (let i = 0; i < ALERTS_KEPT * 2; i += 1) {
    feed = applyFrame(feed, sampleFrame('alert:churn', sampleAlert({ id: String(i) })));
  }
  expect(feed.alerts).toHaveLength(ALERTS_KEPT);
});

test('system and error frames are kept', () => {
  const feed = applyFrame(emptyFeed, sampleFrame('system:update', sampleSystem));
  expect(feed.system).toBe(sampleSystem);
  const error = { code: 'unknown_op', message: 'unknown operation `shout`' };
  expect(applyFrame(feed, sampleFrame('error', error)).error).toEqual(error);
});

test('an event of a newer server changes nothing', () => {
  const frame = { ...sampleFrame('pong', {}), event: 'job:update' } as never;
  expect(applyFrame(emptyFeed, frame)).toBe(emptyFeed);
});
