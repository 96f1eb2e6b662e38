import { expect, test, vi } from 'vitest';
import { LiveStore } from '@/live/store';
import {
  NOON,
  sampleAlert,
  sampleFrame,
  samplePost,
  sampleSnapshot,
  sampleSystem,
} from '@/testing/samples';

/** A store whose animation frames the test controls. */
function makeStore() {
  const asked: (() => void)[] = [];
  const store = new LiveStore((flush) => asked.push(flush));
  let notified = 0;
  store.subscribe(() => (notified += 1));
  return {
    store,
    refresh: () => asked.splice(0).forEach((flush) => flush()),
    asked: () => asked.length,
    notified: () => notified,
  };
}

test('a thousand frames within one animation frame cost one render', () => {
  const { store, refresh, asked, notified } = makeStore();
  for (let i = 0; i < 1_000; i += 1) {
    store.receive(sampleFrame('message:new', samplePost(i), i));
  }
  expect(asked()).toBe(1);
  expect(notified()).toBe(0);
  refresh();
  expect(notified()).toBe(1);
  expect(store.view().feed.received).toBe(1_000);
});

test('a pause freezes the view, counts new posts, and resumes with the latest', () => {
  const { store, refresh } = makeStore();
  store.receive(sampleFrame('message:new', samplePost(1)));
  refresh();
  store.setPaused(true);
  const frozen = store.view().feed;
  store.receive(sampleFrame('message:new', samplePost(2), 1_000));
  store.receive(sampleFrame('metrics:update', sampleSnapshot()));
  refresh();
  expect(store.view().feed).toBe(frozen);
  expect(store.view().held).toBe(1);
  store.setPaused(false);
  expect(store.view().feed.posts.map(({ post }) => post.id)).toEqual(['2', '1']);
  expect(store.view().feed.metrics).not.toBeNull();
  expect(store.view()).toMatchObject({ held: 0, pausedAt: null });
});

test('the same view is as frozen after a look at another page, and another view is dated anew', () => {
  vi.useFakeTimers({ now: NOON });
  const { store, refresh } = makeStore();
  store.setView({}, '60s');
  store.receive(sampleFrame('message:new', samplePost(1)));
  refresh();
  store.setPaused(true);
  const frozen = store.view();
  store.receive(sampleFrame('message:new', samplePost(2), 1_000));
  refresh();
  vi.setSystemTime(NOON + 60_000);
  store.setView({}, '60s');
  store.addHistory([samplePost(2, { received_at: new Date(NOON + 1_000).toISOString() })]);
  expect(store.view().feed.posts).toEqual(frozen.feed.posts);
  expect(store.view()).toMatchObject({ pausedAt: NOON, held: 1 });
  store.setView({ source: 'http' }, '60s source=http');
  expect(store.view()).toMatchObject({ paused: true, pausedAt: NOON + 60_000, held: 0 });
});

test('a pause does not hide that the server is unwell, nor its throughput', () => {
  const { store, refresh } = makeStore();
  store.setPaused(true);
  store.receive(sampleFrame('system:update', sampleSystem));
  store.receive(sampleFrame('metrics:update', sampleSnapshot()));
  refresh();
  expect(store.view().system).toEqual(sampleSystem);
  expect(store.view().postsPerSecond).toBe(0.2);
  expect(store.view().feed.metrics).toBeNull();
});

test('a pause shows everything that arrived before it', () => {
  const { store } = makeStore();
  store.receive(sampleFrame('message:new', samplePost(1)));
  store.setPaused(true);
  expect(store.view().feed.posts).toHaveLength(1);
});

test('a pause does not hide an alert', () => {
  const { store, refresh } = makeStore();
  store.setPaused(true);
  store.receive(sampleFrame('alert:churn', sampleAlert()));
  refresh();
  expect(store.view().alerts).toHaveLength(1);
});

test('the connection state updates during a pause', () => {
  const { store, notified } = makeStore();
  store.setPaused(true);
  store.setConnection({ state: 'offline' });
  expect(store.view().connection.state).toBe('offline');
  expect(notified()).toBe(2);
});

test('a gap clears the lists, keeps the figures, and is counted', () => {
  const { store, refresh } = makeStore();
  store.receive(sampleFrame('metrics:update', sampleSnapshot()));
  store.receive(sampleFrame('message:new', samplePost(1)));
  store.receive(sampleFrame('alert:churn', sampleAlert()));
  refresh();
  store.restart();
  refresh();
  expect(store.view().feed.posts).toEqual([]);
  expect(store.view().alerts).toEqual([]);
  expect(store.view().feed.metrics).not.toBeNull();
  expect(store.view().gaps).toBe(1);
});
