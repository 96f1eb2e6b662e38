import { clsx } from 'clsx';
import type { Change } from '@/features/metrics/model/compare';

interface ChangeMarkProps {
  change: Change;
  /** The direction that is bad news; without one, the change is not coloured. */
  bad?: 'up' | 'down';
  className?: string;
}

/** The change of a figure since the previous period. */
export function ChangeMark({ change, bad, className }: ChangeMarkProps) {
  if (change === null) return null;
  const { text, direction } = change;
  const isGood = bad !== undefined && direction !== 'same' && direction !== bad;
  return (
    <span
      title="compared with the previous period of the same length"
      className={clsx(
        'text-[11.5px] font-medium whitespace-nowrap',
        direction === bad ? 'text-critical' : isGood ? 'text-good' : 'text-ink-soft',
        className,
      )}
    >
      {text}
      <span className="sr-only"> compared with the previous period</span>
    </span>
  );
}
