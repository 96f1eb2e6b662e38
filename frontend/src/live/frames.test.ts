import { expect, test } from 'vitest';
import { parseFrame } from '@/live/frames';

test.each([
  ['not JSON', '{'],
  ['a bare value', '7'],
  ['null', 'null'],
  ['no event', '{"data":{}}'],
  ['an event that is no text', '{"event":1,"data":{}}'],
  ['no data', '{"event":"metrics:update"}'],
])('%s is not a frame', (_, text) => {
  expect(parseFrame(text)).toBeNull();
});

test('a frame is parsed', () => {
  const text =
    '{"event":"error","feed":null,"id":null,"ts":"2026-01-02T12:00:00Z","data":{"code":"c","message":"m"}}';
  expect(parseFrame(text)).toEqual(JSON.parse(text));
});
