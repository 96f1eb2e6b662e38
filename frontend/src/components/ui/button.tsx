import { clsx } from 'clsx';
import type { ComponentProps } from 'react';

interface ButtonProps extends ComponentProps<'button'> {
  look?: 'quiet' | 'outline' | 'solid';
  /** A square button whose only content is an icon; it needs an `aria-label`. */
  square?: boolean;
}

const LOOKS = {
  quiet: 'text-ink-soft hover:bg-sunken hover:text-ink',
  outline: 'border border-line bg-raised text-ink hover:border-line-strong',
  solid: 'bg-brand text-brand-ink hover:bg-brand-hover',
} as const;

export function Button({ look = 'outline', square = false, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={clsx(
        'inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md text-sm font-medium transition-colors',
        'disabled:cursor-not-allowed disabled:opacity-50',
        square ? 'w-8' : 'px-3',
        LOOKS[look],
        className,
      )}
      {...rest}
    />
  );
}
