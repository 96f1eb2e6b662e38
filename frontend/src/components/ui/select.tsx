import { clsx } from 'clsx';
import { useState, type ComponentProps } from 'react';
import { CONTROL, frameOf } from '@/components/ui/control';
import { ChevronIcon } from '@/components/ui/icons';

interface SelectProps extends ComponentProps<'select'> {
  /** As high as the buttons beside it. */
  isCompact?: boolean;
}

/** A choice from a list. It is native: it handles hundreds of options, and phones open their own list. */
export function Select({ isCompact = false, className, children, ...rest }: SelectProps) {
  return (
    <span className={clsx('relative inline-flex min-w-0', className)}>
      <select
        {...rest}
        className={clsx(
          CONTROL,
          'appearance-none truncate pr-7!',
          isCompact && 'h-8!',
          frameOf(rest['aria-invalid']),
        )}
      >
        {children}
      </select>
      <ChevronIcon className="pointer-events-none absolute top-1/2 right-2 size-3.5 -translate-y-1/2 text-ink-faint" />
    </span>
  );
}

interface Option {
  value: string;
  text: string;
  /** Shown in the list only. */
  detail?: string;
}

interface FilterSelectProps {
  label: string;
  value: string | undefined;
  options: readonly Option[];
  onChange: (value: string | undefined) => void;
}

/** A filter on one dimension, with its name inside the frame; the first option removes the filter. */
export function FilterSelect({ label, value, options, onChange }: FilterSelectProps) {
  // An open list does not change under the pointer, even if the options do.
  const [held, setHeld] = useState<readonly Option[] | null>(null);
  const hold = () => setHeld((current) => current ?? options);
  const release = () => setHeld(null);
  const listed = held ?? options;
  const chosen = options.find((option) => option.value === value);
  const isListed = value === undefined || listed.some((option) => option.value === value);
  return (
    <span
      className={clsx(
        'relative inline-flex h-8 max-w-48 items-center gap-1.5 rounded-md border px-2.5 text-sm transition-colors',
        'outline-offset-2 outline-[var(--focus)] has-focus-visible:outline-2',
        value === undefined
          ? 'border-line bg-raised hover:border-line-strong'
          : 'border-brand bg-highlight',
      )}
    >
      <span aria-hidden="true" className="text-ink-soft">
        {label}
      </span>
      <span aria-hidden="true" className="truncate font-medium text-ink">
        {chosen?.text ?? value ?? 'All'}
      </span>
      <ChevronIcon className="size-3.5 shrink-0 text-ink-faint" />
      <select
        aria-label={label}
        className="absolute inset-0 w-full appearance-none opacity-0"
        value={value ?? ''}
        onPointerDown={hold}
        onKeyDown={hold}
        onBlur={release}
        onChange={({ target }) => {
          release();
          onChange(target.value === '' ? undefined : target.value);
        }}
      >
        <option value="">All</option>
        {!isListed && <option value={value}>{value}</option>}
        {listed.length === 0 && <option disabled>None yet</option>}
        {listed.map(({ value, text, detail }) => (
          <option key={value} value={value}>
            {detail === undefined ? text : `${text} (${detail})`}
          </option>
        ))}
      </select>
    </span>
  );
}
