import { clsx } from 'clsx';
import type { ReactNode } from 'react';

const TONES = {
  plain: 'bg-neutral-soft text-ink-soft',
  brand: 'bg-highlight text-ink',
  outline: 'text-ink-soft ring-1 ring-line-strong ring-inset',
  dashed: 'border border-dashed border-line-strong text-ink-soft',
  warning: 'bg-warning-soft text-warning',
  critical: 'bg-critical-soft text-critical',
  good: 'bg-positive-soft text-good',
} as const;

export type Tone = keyof typeof TONES;

export function Badge({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={clsx(
        'inline-block h-[18px] max-w-full truncate rounded-[4px] px-1.5 align-middle text-[11px] leading-[18px] font-medium',
        TONES[tone],
      )}
    >
      {children}
    </span>
  );
}
