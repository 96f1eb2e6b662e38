import { clsx } from 'clsx';
import type { Change } from '@/lib/compare';

interface ChangeMarkProps {
  change: Change;
  /** The direction that is bad news; without one, the change is not coloured. */
  bad?: 'up' | 'down';
  className?: string;
  /** What it is compared with, if not the previous period. */
  comparedWith?: string | undefined;
}

const ARROWS = { up: '▲', down: '▼', same: '' } as const;

/** The change of a figure since the previous period. Arrows mean change, and nothing else. */
export function ChangeMark({ change, bad, className, comparedWith }: ChangeMarkProps) {
  if (change === null) return null;
  const { text, direction } = change;
  const isGood = bad !== undefined && direction !== 'same' && direction !== bad;
  return (
    <span
      title={`compared with ${comparedWith ?? 'the previous period of the same length'}`}
      className={clsx(
        'text-xs font-medium whitespace-nowrap',
        direction === bad ? 'text-critical' : isGood ? 'text-good' : 'text-ink-soft',
        className,
      )}
    >
      {direction !== 'same' && (
        <span className="inline-block scale-75" aria-hidden="true">
          {ARROWS[direction]}
        </span>
      )}
      {text}
      <span className="sr-only"> compared with {comparedWith ?? 'the previous period'}</span>
    </span>
  );
}
