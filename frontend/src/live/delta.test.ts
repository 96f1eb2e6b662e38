import { expect, test } from 'vitest';
import { applyPatch } from '@/live/delta';

type Json = Parameters<typeof applyPatch>[1];

// The examples of RFC 7396, appendix A, except for patches of lists, where we differ on purpose.
test.each<[Json, Json, Json]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('%j patched with %j is %j', (target, patch, result) => {
  expect(applyPatch(target, patch)).toEqual(result);
});

const cities = [
  { key: 'London', count: 3, sentiment: { average: 0.5 } },
  { key: 'Lagos', count: 1, sentiment: { average: -0.5 } },
];

test('an object patches, removes and adds items of a list', () => {
  const patched = applyPatch(cities, {
    London: { count: 4 },
    Lagos: null,
    Lima: { count: 1, sentiment: { average: null } },
  });
  expect(patched).toEqual([
    { key: 'London', count: 4, sentiment: { average: 0.5 } },
    { key: 'Lima', count: 1, sentiment: {} },
  ]);
});

test('the steps of a trend are identified by their start', () => {
  const steps = [{ from: '12:00', count: 1 }];
  expect(applyPatch(steps, { '12:00': { count: 2 }, '12:01': { count: 1 } })).toEqual([
    { from: '12:00', count: 2 },
    { from: '12:01', count: 1 },
  ]);
});

test('untouched parts keep their identity, and the target is not modified', () => {
  const target = { overall: { count: 1 }, geo: cities };
  const before = structuredClone(target);
  const patched = applyPatch(target, { overall: { count: 2 } }) as typeof target;
  expect(patched.geo).toBe(cities);
  expect(target).toEqual(before);
});

test('a key such as `__proto__` is an ordinary key', () => {
  const patched = applyPatch({}, JSON.parse('{"__proto__":{"polluted":true}}') as Json);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
});
