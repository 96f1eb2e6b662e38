import { expect, test } from 'vitest';
import { coarsePeriod } from '@/lib/coarse';

test('a period that moves by a second stays the same query for most of the time', () => {
  const at = (second: number) => new Date(Date.UTC(2026, 10, 21, 8, 0, second)).toISOString();
  const asked = new Set<string>();
  for (let second = 0; second < 300; second += 1) {
    const { from, to } = coarsePeriod({ from: at(second - 300), to: at(second) });
    expect(Date.parse(from)).toBeLessThanOrEqual(Date.parse(at(second - 300)));
    expect(Date.parse(to)).toBeGreaterThanOrEqual(Date.parse(at(second)));
    asked.add(`${from} ${to}`);
  }
  expect(asked.size).toBeLessThanOrEqual(6);
});
