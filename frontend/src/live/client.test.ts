import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { reconnectDelay } from '@/live/backoff';
import { LiveClient, type Connection } from '@/live/client';
import { meaningOf } from '@/live/close-codes';
import type { ServerFrame } from '@/live/frames';
import { FakeSocket } from '@/testing/fake-socket';
import { sampleFrame, sampleSnapshot } from '@/testing/samples';

let connections: Connection[];
let frames: ServerFrame[];
let online: boolean;
const started: LiveClient[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened = [];
  connections = [];
  frames = [];
  online = true;
});

// A socket left open would react to the next test's network events.
afterEach(() => started.splice(0).forEach((client) => client.stop()));

function start(random = 1): LiveClient {
  const client = new LiveClient({
    origin: 'http://test',
    subscription: { feeds: ['metrics', 'messages', 'alerts', 'system'] },
    onGap: () => undefined,
    onFrame: (frame) => frames.push(frame),
    onConnection: (connection) => connections.push(connection),
    open: (url) => new FakeSocket(url),
    fetch: () => Promise.reject(new TypeError('the server is not responding')),
    random: () => random,
    isOnline: () => online,
  });
  client.start();
  started.push(client);
  return client;
}

const states = () => connections.map(({ state }) => state);

test('once open, it subscribes and is live', () => {
  start();
  FakeSocket.latest().accept();
  expect(states()).toEqual(['connecting', 'live']);
  expect(FakeSocket.latest().sent).toEqual([
    { op: 'subscribe', feeds: ['metrics', 'messages', 'alerts', 'system'] },
  ]);
});

test('valid frames are delivered, others are not', () => {
  start();
  FakeSocket.latest().accept();
  FakeSocket.latest().say('{"half":');
  const frame = sampleFrame('metrics:initial', sampleSnapshot());
  FakeSocket.latest().say(frame);
  expect(frames).toEqual([frame]);
});

test.each([1001, 1006, 1011, 1013, 4000, 4408, 4410, 4413, 4429])(
  'it comes back by itself after code %i',
  (code) => {
    start();
    FakeSocket.latest().accept();
    FakeSocket.latest().end(code);
    expect(states().at(-1)).toBe('waiting');
    vi.advanceTimersByTime(20_000);
    expect(FakeSocket.opened).toHaveLength(2);
  },
);

test.each([1002, 1008, 1009, 4403])('it does not reconnect after code %i until told to', (code) => {
  const client = start();
  FakeSocket.latest().accept();
  FakeSocket.latest().end(code);
  expect(states().at(-1)).toBe('refused');
  vi.advanceTimersByTime(600_000);
  expect(FakeSocket.opened).toHaveLength(1);
  client.retryNow();
  expect(FakeSocket.opened).toHaveLength(2);
});

test('each failure in a row waits longer, up to a limit', async () => {
  start();
  const waits: number[] = [];
  for (let i = 0; i < 9; i += 1) {
    // Every other attempt uses an event stream, which fails by itself.
    if (states().at(-1) === 'connecting') FakeSocket.latest().end(1006);
    const latest = connections.at(-1)!;
    if (latest.state !== 'waiting') throw new Error('it did not wait');
    waits.push(latest.retryAt - Date.now());
    await vi.advanceTimersByTimeAsync(latest.retryAt - Date.now());
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000]);
});

test('a stable connection resets the backoff', async () => {
  start();
  FakeSocket.latest().end(1006);
  await vi.advanceTimersByTimeAsync(500);
  FakeSocket.latest().accept();
  vi.advanceTimersByTime(6_000);
  FakeSocket.latest().end(1006);
  expect(connections.at(-1)).toMatchObject({ state: 'waiting', attempt: 1 });
});

test('a server that drops connections at once is not flooded', () => {
  start();
  for (let i = 0; i < 4; i += 1) {
    FakeSocket.latest().accept();
    FakeSocket.latest().end(1006);
    vi.advanceTimersByTime(20_000);
  }
  FakeSocket.latest().end(1006);
  expect(connections.at(-1)).toMatchObject({ state: 'waiting', attempt: 5 });
});

test('a silent server is pinged, then dropped', () => {
  start();
  const first = FakeSocket.latest();
  first.accept();
  vi.advanceTimersByTime(15_000);
  expect(first.sent.at(-1)).toEqual({ op: 'ping' });
  vi.advanceTimersByTime(10_000);
  expect(first.closedWith).not.toBeNull();
  expect(connections.at(-1)).toMatchObject({
    state: 'waiting',
    why: 'the server stopped responding',
  });
});

test('a pong keeps a quiet connection open', () => {
  start();
  FakeSocket.latest().accept();
  for (let i = 0; i < 5; i += 1) {
    vi.advanceTimersByTime(15_000);
    FakeSocket.latest().say(sampleFrame('pong', {}));
  }
  expect(states().at(-1)).toBe('live');
});

test('offline, it waits for the network, not for a timer', () => {
  online = false;
  start();
  expect(states()).toEqual(['offline']);
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.opened).toHaveLength(0);
  online = true;
  window.dispatchEvent(new Event('online'));
  expect(FakeSocket.opened).toHaveLength(1);
});

test('losing the network closes the connection at once', () => {
  start();
  FakeSocket.latest().accept();
  window.dispatchEvent(new Event('offline'));
  expect(states().at(-1), 'a server on this machine needs no network').toBe('live');
  online = false;
  window.dispatchEvent(new Event('offline'));
  expect(states().at(-1)).toBe('offline');
  expect(FakeSocket.latest().closedWith).toBe(1000);
});

test('once stopped, it does not reconnect', () => {
  const client = start();
  const first = FakeSocket.latest();
  first.accept();
  client.stop();
  first.end(1006);
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.opened).toHaveLength(1);
  expect(states().at(-1)).toBe('stopped');
});

test('half of every delay is random', () => {
  expect(reconnectDelay(3, 1006, () => 0)).toBe(2_000);
  expect(reconnectDelay(3, 1006, () => 1)).toBe(4_000);
});

test('after 1013, delays are longer', () => {
  expect(reconnectDelay(0, 1013, () => 0)).toBe(2_500);
  expect(reconnectDelay(0, 1001, () => 0)).toBe(250);
});

test('after 4429, delays are even longer', () => {
  expect(reconnectDelay(0, 4429, () => 0)).toBe(7_500);
});

test('only codes that concern this client prevent reconnecting', () => {
  const staysAway = (code: number) => !meaningOf(code).canReconnect;
  expect([1000, 1001, 1006, 1013, 4000, 4408, 4410, 4413, 4429, 4500].filter(staysAway)).toEqual(
    [],
  );
  expect([1003, 1008, 4400, 4401, 4403].filter(staysAway)).toEqual([1003, 1008, 4400, 4401, 4403]);
});

test("the server's reason is shown", () => {
  start();
  FakeSocket.latest().accept();
  FakeSocket.latest().end(1013, 'rebuilding the broadcaster');
  expect(connections.at(-1)).toMatchObject({ why: 'rebuilding the broadcaster' });
});

test('a page that wakes up checks its connection', () => {
  start();
  const first = FakeSocket.latest();
  first.accept();
  document.dispatchEvent(new Event('visibilitychange'));
  expect(first.sent.at(-1)).toEqual({ op: 'ping' });
  vi.advanceTimersByTime(10_000);
  expect(states().at(-1)).toBe('waiting');
  document.dispatchEvent(new Event('visibilitychange'));
  expect(FakeSocket.opened).toHaveLength(2);
});
