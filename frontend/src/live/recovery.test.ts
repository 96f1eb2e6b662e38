import { beforeEach, expect, test } from 'vitest';
import type { DeltaFrame, ServerFrame } from '@/live/frames';
import { Recovery } from '@/live/recovery';
import {
  sampleAlert,
  sampleFrame,
  samplePost,
  sampleSnapshot,
  sampleTally,
} from '@/testing/samples';

let told: string[];
let frames: ServerFrame[];
let recovery: Recovery;

beforeEach(() => {
  told = [];
  frames = [];
  recovery = new Recovery({
    onFrame: (frame) => {
      frames.push(frame);
      told.push(`${frame.event} ${frame.id ?? ''}`.trim());
    },
    onGap: () => told.push('gap'),
    onLost: () => told.push('lost'),
  });
  recovery.connected();
});

const at = (id: string, frame: ServerFrame) => ({ ...frame, id }) as ServerFrame;
const alert = (id: string) => at(id, sampleFrame('alert:churn', sampleAlert()));
const post = (id: string) => at(id, sampleFrame('message:new', samplePost(1)));
const figures = (id: string) => at(id, sampleFrame('metrics:update', sampleSnapshot()));
const initial = (id: string) => at(id, sampleFrame('metrics:initial', sampleSnapshot()));

function subscribed(recovered: boolean, since: string): ServerFrame {
  const data = { feeds: [], filter: {}, recovered, since };
  return { event: 'subscribed', feed: null, id: null, ts: '', data } as unknown as ServerFrame;
}

test('it comes back from the newest frame of any feed', () => {
  expect(recovery.since).toBeNull();
  for (const frame of [alert('e:3'), figures('e:5'), post('e:4')]) recovery.receive(frame);
  expect(recovery.since).toBe('e:5');
});

test('a frame that comes twice is handed on once', () => {
  for (const frame of [alert('e:3'), alert('e:4'), alert('e:3'), alert('e:4'), post('e:4')])
    recovery.receive(frame);
  expect(told).toEqual(['alert:churn e:3', 'alert:churn e:4', 'message:new e:4']);
});

test('what was missed follows what was seen, without a gap and without repeating', () => {
  recovery.receive(alert('e:3'));
  recovery.connected();
  recovery.receive(subscribed(true, 'e:9'));
  for (const frame of [initial('e:9'), alert('e:3'), alert('e:7'), alert('e:10')])
    recovery.receive(frame);
  expect(told.filter((one) => !one.startsWith('subscribed'))).toEqual([
    'alert:churn e:3',
    'metrics:initial e:9',
    'alert:churn e:7',
    'alert:churn e:10',
  ]);
});

test('a connection that breaks while it recovers does not skip what had not come yet', () => {
  recovery.receive(alert('e:3'));
  recovery.connected();
  recovery.receive(subscribed(true, 'e:9'));
  recovery.receive(initial('e:9'));
  expect(recovery.since).toBe('e:3');
  recovery.receive(alert('e:5'));
  expect(recovery.since).toBe('e:5');
});

test('what the server sends before it has heard us does not hide what was missed', () => {
  recovery.receive(alert('e:3'));
  recovery.connected();
  recovery.receive(alert('e:9'));
  expect(recovery.since).toBe('e:3');
  recovery.receive(subscribed(true, 'e:9'));
  recovery.receive(alert('e:5'));
  recovery.receive(alert('e:9'));
  expect(told.filter((one) => one.startsWith('alert'))).toEqual([
    'alert:churn e:3',
    'alert:churn e:5',
    'alert:churn e:9',
  ]);
});

test('a server that cannot tell what was missed leaves a gap, said before anything else', () => {
  recovery.receive(alert('e:30'));
  recovery.connected();
  recovery.receive(subscribed(false, 'f:2'));
  recovery.receive(alert('f:3'));
  expect(told.filter((one) => !one.startsWith('subscribed'))).toEqual([
    'alert:churn e:30',
    'gap',
    'alert:churn f:3',
  ]);
  expect(recovery.since).toBe('f:3');
});

test('a first connection is no gap', () => {
  recovery.receive(subscribed(false, 'e:9'));
  expect(told).toEqual(['subscribed']);
  expect(recovery.since).toBe('e:9');
});

const patch = (id: string, base: string, data: unknown): DeltaFrame => ({
  event: 'metrics:delta',
  feed: 'metrics',
  id,
  base,
  ts: '2026-01-02T12:00:01Z',
  data: data as DeltaFrame['data'],
});

test('a patch becomes the whole figures that it makes of its base', () => {
  recovery.receive(initial('e:1'));
  recovery.receive(patch('e:2', 'e:1', { overall: { count: 11 } }));
  const last = frames.at(-1);
  expect(last).toMatchObject({ event: 'metrics:update', id: 'e:2', ts: '2026-01-02T12:00:01Z' });
  expect(last?.data).toEqual(sampleSnapshot({ overall: sampleTally({ count: 11 }) }));
});

test('each patch builds on the one before it, and on no other', () => {
  recovery.receive(initial('e:1'));
  recovery.receive(patch('e:2', 'e:1', { overall: { count: 11 } }));
  recovery.receive(patch('e:3', 'e:2', { overall: { late: 1 } }));
  expect(frames.at(-1)?.data).toMatchObject({ overall: { count: 11, late: 1 } });
  recovery.receive(patch('e:4', 'e:1', { overall: { late: 2 } }));
  expect(told.at(-1)).toBe('lost');
});

test('patched lists are in the order of whole ones', () => {
  recovery.receive(initial('e:1'));
  const more = { ...sampleTally({ count: 12 }) };
  recovery.receive(patch('e:2', 'e:1', { products: { '': { count: 12 }, Solo: more } }));
  expect(frames.at(-1)?.data).toMatchObject({
    products: [{ key: '' }, { key: 'Solo' }, { key: 'Mayweather' }],
  });
});

test('a patch of unknown figures is never applied; whole ones are asked for, once', () => {
  recovery.receive(initial('e:1'));
  recovery.receive(patch('e:4', 'e:3', { overall: { count: 99 } }));
  recovery.receive(patch('e:5', 'e:4', { overall: { count: 100 } }));
  expect(told).toEqual(['metrics:initial e:1', 'lost']);
  recovery.receive(figures('e:6'));
  recovery.receive(patch('e:7', 'e:6', { overall: { count: 12 } }));
  expect(told.slice(2)).toEqual(['metrics:update e:6', 'metrics:update e:7']);
});

test('figures of the last connection are no base for patches of this one', () => {
  recovery.receive(initial('e:1'));
  recovery.connected();
  recovery.receive(subscribed(true, 'e:1'));
  recovery.receive(patch('e:2', 'e:1', {}));
  expect(told.at(-1)).toBe('lost');
});
