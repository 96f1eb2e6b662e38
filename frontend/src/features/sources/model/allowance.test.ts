import { expect, test } from 'vitest';
import {
  allowancesOf,
  allowanceState,
  describeProjection,
  describeUse,
} from '@/features/sources/model/allowance';

const resets_at = '2026-12-01T00:00:00Z';

test('money comes first, and each says how long it lasts', () => {
  const cost = { spent_usd: 3.1, projected_usd: 9.3, limit_usd: 20, resets_at };
  const search = { name: 'search.list', used: 60, limit: 100, projected: 140.4, resets_at };
  const units = { name: 'units', used: 10_000, limit: 10_000, projected: 12_000, resets_at };
  const uses = allowancesOf({ cost, quota: [search, units] });
  expect(uses.map((use) => [use.name, describeUse(use), describeProjection(use)])).toEqual([
    ['Cost', '$3.10 of $20.00', '$9.30 expected'],
    ['Quota search.list', '60 of 100', '140 expected, more than allowed'],
    ['Quota units', '10,000 of 10,000', 'used up'],
  ]);
  expect(uses.map(allowanceState)).toEqual(['enough', 'short', 'used up']);
});

test('a source without quota and cost has no allowances', () => {
  expect(allowancesOf({ quota: [] })).toEqual([]);
});
