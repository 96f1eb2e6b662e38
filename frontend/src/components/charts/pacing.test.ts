import { expect, test, vi } from 'vitest';
import { pace } from '@/components/charts/pacing';

test('a chart is drawn at most once a second, however often its figures change', () => {
  vi.useFakeTimers({ now: 0 });
  let drawnAt = -Infinity;
  const drawn: number[] = [];
  const draw = () => {
    drawnAt = performance.now();
    drawn.push(drawnAt);
  };
  // Four updates a second for three seconds; each replaces the one before it.
  let cancel: (() => void) | null = null;
  for (let i = 0; i < 12; i += 1) {
    cancel?.();
    cancel = pace(draw, drawnAt);
    vi.advanceTimersByTime(250);
  }
  const gaps = drawn.slice(1).map((at, i) => at - (drawn[i] ?? 0));
  expect(drawn.length).toBeGreaterThanOrEqual(3);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
});

test('several charts are drawn in different frames, so that a click can come between', () => {
  vi.useFakeTimers({ now: 0 });
  const drawn: number[] = [];
  for (let i = 0; i < 5; i += 1) pace(() => drawn.push(performance.now()), -Infinity);
  vi.advanceTimersByTime(200);
  expect(new Set(drawn).size).toBe(5);
});

test('drawings that are replaced before their turn do not hold up the others', () => {
  vi.useFakeTimers({ now: 0 });
  // Two hundred updates that come faster than frames.
  for (let i = 0; i < 200; i += 1) {
    const cancel = pace(() => undefined, -Infinity);
    vi.advanceTimersByTime(1);
    cancel();
  }
  let drawnAt = -1;
  pace(() => (drawnAt = performance.now()), -Infinity);
  vi.advanceTimersByTime(100);
  expect(drawnAt).toBeGreaterThanOrEqual(200);
});
