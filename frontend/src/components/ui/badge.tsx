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

interface BadgeProps {
  tone?: Tone;
  icon?: ReactNode;
  children: ReactNode;
}

export function Badge({ tone = 'plain', icon, children }: BadgeProps) {
  return (
    <span
      className={clsx(
        'inline-flex h-[18px] max-w-full items-center rounded-md px-1.5 align-middle text-xs leading-[18px] font-medium',
        TONES[tone],
      )}
    >
      {icon}
      <span className="truncate">{children}</span>
    </span>
  );
}
