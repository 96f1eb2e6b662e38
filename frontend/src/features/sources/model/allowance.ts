import type { Source } from '@/features/sources/api/wire';
import { formatCount } from '@/lib/format';

/** How much of something a network grants, or a person allows, was used in its period. */
export interface AllowanceUse {
  name: string;
  used: number;
  limit: number;
  /** What will be used by the end of the period at the pace so far. */
  projected: number;
  resetsAt: string;
  format: (amount: number) => string;
}

const dollars = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' });

/** The money and the quotas of a source. */
export function allowancesOf({ cost, quota }: Pick<Source, 'cost' | 'quota'>): AllowanceUse[] {
  const quotas = quota.map(({ name, used, limit, projected, resets_at }) => ({
    name: `Quota ${name}`,
    used,
    limit,
    projected,
    resetsAt: resets_at,
    format: (amount: number) => formatCount(Math.round(amount)),
  }));
  if (!cost) return quotas;
  const { spent_usd, limit_usd, projected_usd, resets_at } = cost;
  const money = {
    name: 'Cost',
    used: spent_usd,
    limit: limit_usd,
    projected: projected_usd,
    resetsAt: resets_at,
    format: (amount: number) => dollars.format(amount),
  };
  return [money, ...quotas];
}

export type AllowanceState = 'enough' | 'short' | 'used up';

/** Whether it lasts until the end of the period. */
export function allowanceState({ used, limit, projected }: AllowanceUse): AllowanceState {
  if (used >= limit) return 'used up';
  return projected > limit ? 'short' : 'enough';
}

/** `$3.10 of $20.00`. */
export const describeUse = ({ used, limit, format }: AllowanceUse) =>
  `${format(used)} of ${format(limit)}`;

/** `$9.30 expected`, or that there will not be enough. */
export function describeProjection(use: AllowanceUse): string {
  const state = allowanceState(use);
  if (state === 'used up') return 'used up';
  return `${use.format(use.projected)} expected${state === 'short' ? ', more than allowed' : ''}`;
}
