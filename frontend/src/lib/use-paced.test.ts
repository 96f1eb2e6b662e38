import { act, renderHook } from '@testing-library/react';
import { beforeEach, expect, test, vi } from 'vitest';
import { usePaced } from '@/lib/use-paced';

const EVERY_MS = 1_200;

beforeEach(() => void vi.useFakeTimers());

function pace(first: string) {
  const { result, rerender } = renderHook(
    ({ value, isUrgent }) => usePaced(value, { everyMs: EVERY_MS, isUrgent }),
    { initialProps: { value: first, isUrgent: false } },
  );
  const show = (value: string, isUrgent = false) => rerender({ value, isUrgent });
  return { result, show };
}

const wait = (ms: number) => act(() => void vi.advanceTimersByTime(ms));

test('several changes within an interval become one', () => {
  const { result, show } = pace('a');
  wait(0);
  show('b');
  wait(EVERY_MS / 2);
  show('c');
  expect(result.current).toBe('a');
  wait(EVERY_MS / 2);
  expect(result.current).toBe('c');
});

test('the value before an urgent one does not return', () => {
  const { result, show } = pace('old filter');
  wait(0);
  show('', true);
  expect(result.current).toBe('');
  show('new filter');
  expect(result.current).toBe('');
  wait(0);
  expect(result.current).toBe('new filter');
});
