import { clsx } from 'clsx';
import {
  type AllowanceState,
  type AllowanceUse,
  allowanceState,
  describeProjection,
  describeUse,
} from '@/features/sources/model/allowance';
import { formatDay } from '@/lib/time';

const BAR: Record<AllowanceState, string> = {
  enough: 'bg-brand',
  short: 'bg-warning',
  'used up': 'bg-critical',
};

const TEXT: Record<AllowanceState, string> = {
  enough: '',
  short: 'text-warning',
  'used up': 'text-critical',
};

/** What a source has used of its money and of the quotas of its account. */
export function SourceAllowances({ uses }: { uses: readonly AllowanceUse[] }) {
  return (
    <ul aria-label="Quota and cost" className="mt-2 flex max-w-4xl flex-wrap gap-x-6 gap-y-2">
      {uses.map((use) => (
        <Allowance key={use.name} use={use} />
      ))}
    </ul>
  );
}

function Allowance({ use }: { use: AllowanceUse }) {
  const state = allowanceState(use);
  const share = use.limit > 0 ? Math.min(1, use.used / use.limit) : 1;
  return (
    <li className="max-w-full min-w-0 basis-56">
      <p className="caption wrap-anywhere">{use.name}</p>
      <p className="text-sm font-medium tabular-nums">{describeUse(use)}</p>
      <div aria-hidden className="mt-1 h-1 overflow-hidden rounded-full bg-sunken">
        <div className={clsx('h-full', BAR[state])} style={{ width: `${share * 100}%` }} />
      </div>
      <p className="caption mt-1">
        <span className={TEXT[state]}>{describeProjection(use)}</span>
        {`, renewed ${formatDay(use.resetsAt)}`}
      </p>
    </li>
  );
}
