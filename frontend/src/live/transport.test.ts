import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveClient, type Connection } from '@/live/client';
import { EventParser } from '@/live/event-stream';
import type { ServerFrame } from '@/live/frames';
import { FakeSocket } from '@/testing/fake-socket';
import { sampleAlert, sampleFrame } from '@/testing/samples';

let states: string[];
let frames: ServerFrame[];
let asked: { url: string; token: string | null }[];
let answer: (url: string) => Response;
let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
const started: LiveClient[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.opened = [];
  states = [];
  frames = [];
  asked = [];
  answer = () => new Response(null, { status: 404 });
});

afterEach(() => started.splice(0).forEach((client) => client.stop()));

function start(token: string | null = null): LiveClient {
  const client = new LiveClient({
    origin: 'https://test',
    subscription: { feeds: ['metrics', 'alerts'], filter: { product: 'Tide' }, maxRate: 5 },
    onFrame: (frame) => frames.push(frame),
    onConnection: (connection: Connection) =>
      states.push('by' in connection ? `live by ${connection.by}` : connection.state),
    onGap: () => undefined,
    token: () => token,
    open: (url) => new FakeSocket(url),
    fetch: (url, init) => {
      const headers = new Headers(init?.headers);
      asked.push({ url: String(url), token: headers.get('authorization') });
      return Promise.resolve(answer(String(url)));
    },
    random: () => 1,
    isOnline: () => true,
  });
  client.start();
  started.push(client);
  return client;
}

const settle = () => vi.advanceTimersByTimeAsync(0);

function openStream(): Response {
  return new Response(
    new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = controller;
      },
    }),
  );
}

async function say(text: string): Promise<void> {
  stream?.enqueue(new TextEncoder().encode(text));
  await settle();
}

/** Fails WebSockets until the client falls back. */
async function blockWebSockets(): Promise<void> {
  for (let i = 0; i < 2; i += 1) {
    FakeSocket.latest().end(1006);
    await vi.advanceTimersByTimeAsync(2_000);
  }
}

const TICKETS = 'https://test/api/v1/live/tickets';

test('without a token, no ticket is requested', () => {
  start();
  expect(FakeSocket.latest().url).toBe('wss://test/ws');
  expect(asked).toEqual([]);
});

test('each connection exchanges the token for a new ticket, and no URL contains the token', async () => {
  let given = 0;
  answer = () => Response.json({ ticket: `t${(given += 1)}`, expires_at: '' }, { status: 201 });
  start('s3cret');
  await settle();
  expect(asked).toEqual([{ url: TICKETS, token: 'Bearer s3cret' }]);
  expect(FakeSocket.latest().url).toBe('wss://test/ws?ticket=t1');
  FakeSocket.latest().accept();
  FakeSocket.latest().end(1006);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(FakeSocket.latest().url).toBe('wss://test/ws?ticket=t2');
});

test('an invalid token is not retried', async () => {
  answer = () => new Response('{}', { status: 401 });
  const client = start('wrong');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(states).toEqual(['connecting', 'unauthorized']);
  expect(FakeSocket.opened).toHaveLength(0);
  answer = () => Response.json({ ticket: 't', expires_at: '' }, { status: 201 });
  client.retryNow();
  await settle();
  expect(FakeSocket.opened).toHaveLength(1);
});

test('a WebSocket that does not open may need a ticket', async () => {
  answer = () => new Response('{}', { status: 401 });
  start();
  FakeSocket.latest().end(1006);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(states.at(-1)).toBe('unauthorized');
});

test('a stopped client ignores a late ticket', async () => {
  answer = () => Response.json({ ticket: 't', expires_at: '' }, { status: 201 });
  start('s3cret').stop();
  await settle();
  expect(FakeSocket.opened).toHaveLength(0);
});

test('without WebSockets, the same frames arrive as server-sent events', async () => {
  answer = (url) => (url === TICKETS ? new Response(null, { status: 404 }) : openStream());
  start();
  await blockWebSockets();
  await settle();
  expect(states.at(-1)).toBe('live by events');
  expect(asked.at(-1)?.url).toBe(
    'https://test/api/v1/events?feeds=metrics%2Calerts&product=Tide&max_rate=5',
  );
  const frame = { ...sampleFrame('alert:churn', sampleAlert()), id: 'e:7' };
  await say(`: ping\n\nid: e:7\nevent: alert:churn\ndata: ${JSON.stringify(frame)}\n\n`);
  expect(frames).toEqual([frame]);
  stream?.close();
  await settle();
  expect(states.at(-1)).toBe('waiting');
});

test('events resume where they stopped after another WebSocket fails', async () => {
  answer = (url) => (url === TICKETS ? new Response(null, { status: 404 }) : openStream());
  start();
  await blockWebSockets();
  const frame = { ...sampleFrame('alert:churn', sampleAlert()), id: 'e:7' };
  await say(`data: ${JSON.stringify(frame)}\n\n`);
  stream?.close();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(FakeSocket.opened).toHaveLength(3);
  FakeSocket.latest().end(1006);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked.at(-1)?.url).toContain('since=e%3A7');
});

test('a rejected event stream says why', async () => {
  answer = (url) => new Response(null, { status: url === TICKETS ? 404 : 401 });
  start();
  await blockWebSockets();
  expect(states.at(-1)).toBe('unauthorized');
});

test('a silent event stream is dropped', async () => {
  answer = (url) => (url === TICKETS ? new Response(null, { status: 404 }) : openStream());
  start();
  await blockWebSockets();
  await vi.advanceTimersByTimeAsync(20_000);
  await say(': ping\n\n');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(states.at(-1)).toBe('live by events');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(states.at(-1)).not.toBe('live by events');
});

test('a changed subscription is sent on the open connection', () => {
  const client = start();
  FakeSocket.latest().accept();
  client.subscribe({ feeds: ['metrics'], delta: true });
  expect(FakeSocket.latest().sent).toEqual([
    { op: 'subscribe', feeds: ['metrics', 'alerts'], filter: { product: 'Tide' }, max_rate: 5 },
    { op: 'subscribe', feeds: ['metrics'], delta: true },
  ]);
});

test.each([
  ['one event', ['data: {"a":1}\n\n'], ['{"a":1}']],
  ['an event cut anywhere', ['da', 'ta: {"a"', ':1}\n', '\n'], ['{"a":1}']],
  ['two in one piece', ['data: 1\n\ndata: 2\n\n'], ['1', '2']],
  ['several lines', ['data: 1\ndata: 2\n\n'], ['1\n2']],
  ['line ends of another system', ['data: 1\r\n\r\n'], ['1']],
  ['comments, names and ids', [': ping\n\nevent: x\nid: 3\nretry: 2000\n\n'], []],
  ['an event that is not complete', ['data: 1\n'], []],
])('a stream of %s is split correctly', (_, chunks, events) => {
  const found: string[] = [];
  const parser = new EventParser((data) => found.push(data));
  for (const chunk of chunks) parser.push(chunk);
  expect(found).toEqual(events);
});
