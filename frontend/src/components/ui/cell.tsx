import { clsx } from 'clsx';
import type { ComponentProps } from 'react';

/** A place for one panel. The panel fills it and never grows beyond it, however long its table is. */
export function Cell({ className, ...rest }: ComponentProps<'div'>) {
  return (
    <div
      {...rest}
      className={clsx(
        'grid min-h-0 min-w-0 grid-cols-[minmax(0,1fr)] grid-rows-[minmax(0,1fr)]',
        className,
      )}
    />
  );
}
