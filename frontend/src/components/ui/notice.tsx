import { clsx } from 'clsx';
import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { AlertIcon, CheckIcon } from '@/components/ui/icons';
import { isTemporary } from '@/lib/api-client';
import { capitalize } from '@/lib/format';

const TONES = {
  warning: 'bg-warning-soft text-warning',
  critical: 'bg-critical-soft text-critical',
  good: 'bg-positive-soft text-good',
} as const;

interface NoticeProps {
  tone: keyof typeof TONES;
  children: ReactNode;
  className?: string;
}

/** A message that screen readers announce when it appears. */
export function Notice({ tone, children, className }: NoticeProps) {
  const Icon = tone === 'good' ? CheckIcon : AlertIcon;
  return (
    <div
      role={tone === 'good' ? 'status' : 'alert'}
      className={clsx(
        'flex items-start gap-2 rounded-md px-3 py-2 text-sm break-words',
        TONES[tone],
        className,
      )}
    >
      <Icon className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1">{children}</div>
    </div>
  );
}

interface FailureProps {
  /** What failed, as a sentence without its full stop: `The posts could not be loaded`. */
  what: string;
  error: Error;
  onRetry?: (() => void) | undefined;
  className?: string;
}

/** An error with its cause, and a retry button if `onRetry` is given. */
export function Failure({ what, error, onRetry, className }: FailureProps) {
  return (
    <Notice tone="warning" {...(className !== undefined && { className })}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <p className="min-w-0 flex-1">
          <span className="font-semibold">{what}.</span> {capitalize(error.message)}.
          {isTemporary(error) &&
            !error.message.includes('try again') &&
            ' This is usually temporary.'}
        </p>
        {onRetry !== undefined && (
          <Button className="h-7! px-2!" onClick={onRetry}>
            Try again
          </Button>
        )}
      </div>
    </Notice>
  );
}

/** An empty state: what is missing and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="px-2 py-8 text-center">
      <p className="font-semibold">{title}</p>
      {children !== undefined && (
        <div className="mx-auto mt-1 max-w-md text-sm text-ink-soft">{children}</div>
      )}
    </div>
  );
}

/** Grey bars in place of rows that are loading, so that the layout does not jump. */
export function Skeleton({ rows, label }: { rows: number; label: string }) {
  return (
    <div role="status" aria-label={label} className="space-y-2.5 py-2">
      {Array.from({ length: rows }, (_, row) => (
        <div
          key={row}
          className="breathing h-4 rounded-md bg-sunken"
          style={{ width: `${95 - ((row * 17) % 40)}%` }}
        />
      ))}
    </div>
  );
}
