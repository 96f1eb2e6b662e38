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

test('it resumes from the newest frame of any feed', () => {
  expect(recovery.since).toBeNull();
  for (const frame of [alert('e:3'), figures('e:5'), post('e:4')]) recovery.receive(frame);
  expect(recovery.since).toBe('e:5');
});

test('a duplicate frame is delivered once', () => {
  for (const frame of [alert('e:3'), alert('e:4'), alert('e:3'), alert('e:4'), post('e:4')])
    recovery.receive(frame);
  expect(told).toEqual(['alert:churn e:3', 'alert:churn e:4', 'message:new e:4']);
});

test('missed frames follow without gaps or duplicates', () => {
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

test('a connection that breaks during recovery skips nothing', () => {
  recovery.receive(alert('e:3'));
  recovery.connected();
  recovery.receive(subscribed(true, 'e:9'));
  recovery.receive(initial('e:9'));
  expect(recovery.since).toBe('e:3');
  recovery.receive(alert('e:5'));
  expect(recovery.since).toBe('e:5');
});

test('frames sent before the subscription do not hide missed ones', () => {
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

test('an unrecoverable gap is reported first', () => {
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

test('the first connection is not a gap', () => {
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

test('a patch produces complete figures', () => {
  recovery.receive(initial('e:1'));
  recovery.receive(patch('e:2', 'e:1', { overall: { count: 11 } }));
  const last = frames.at(-1);
  expect(last).toMatchObject({ event: 'metrics:update', id: 'e:2', ts: '2026-01-02T12:00:01Z' });
  expect(last?.data).toEqual(sampleSnapshot({ overall: sampleTally({ count: 11 }) }));
});

test('each patch applies only to the one before it', () => {
  recovery.receive(initial('e:1'));
  recovery.receive(patch('e:2', 'e:1', { overall: { count: 11 } }));
  recovery.receive(patch('e:3', 'e:2', { overall: { late: 1 } }));
  expect(frames.at(-1)?.data).toMatchObject({ overall: { count: 11, late: 1 } });
  recovery.receive(patch('e:4', 'e:1', { overall: { late: 2 } }));
  expect(told.at(-1)).toBe('lost');
});

test("patched lists keep the server's order", () => {
  recovery.receive(initial('e:1'));
  const more = { ...sampleTally({ count: 12 }) };
  recovery.receive(patch('e:2', 'e:1', { products: { '': { count: 12 }, Solo: more } }));
  expect(frames.at(-1)?.data).toMatchObject({
    products: [{ key: '' }, { key: 'Solo' }, { key: 'Mayweather' }],
  });
});

test('a patch for unknown figures requests a snapshot once', () => {
  recovery.receive(initial('e:1'));
  recovery.receive(patch('e:4', 'e:3', { overall: { count: 99 } }));
  recovery.receive(patch('e:5', 'e:4', { overall: { count: 100 } }));
  expect(told).toEqual(['metrics:initial e:1', 'lost']);
  recovery.receive(figures('e:6'));
  recovery.receive(patch('e:7', 'e:6', { overall: { count: 12 } }));
  expect(told.slice(2)).toEqual(['metrics:update e:6', 'metrics:update e:7']);
});

test('patches do not apply to figures of an earlier connection', () => {
  recovery.receive(initial('e:1'));
  recovery.connected();
  recovery.receive(subscribed(true, 'e:1'));
  recovery.receive(patch('e:2', 'e:1', {}));
  expect(told.at(-1)).toBe('lost');
});
