import { clsx } from 'clsx';
import type { ComponentProps } from 'react';
import { ChevronIcon } from '@/components/ui/icons';

export interface SelectProps {
  label: string;
  value: string | undefined;
  options: readonly { value: string; text: string; detail?: string }[];
  onChange: (value: string | undefined) => void;
  /** Shown if there are no options. */
  empty?: string;
  /** Called when the list opens, to load its options. */
  onOpen?: () => void;
}

type SelectButtonProps = Pick<SelectProps, 'label' | 'value' | 'options'> &
  Omit<ComponentProps<'button'>, 'value'>;

/** The button of a `Select`, with the dimension and the selected option. */
export function SelectButton({ label, value, options, ...rest }: SelectButtonProps) {
  const chosen = options.find((option) => option.value === value);
  return (
    <button
      type="button"
      {...rest}
      aria-label={`${label}: ${chosen?.text ?? value ?? 'all'}`}
      className={clsx(
        'inline-flex h-8 max-w-48 items-center gap-1.5 rounded-md border px-2.5 text-[13px] transition-colors',
        value === undefined
          ? 'border-line bg-raised text-ink-soft hover:border-line-strong hover:text-ink'
          : 'border-brand bg-highlight text-ink',
      )}
    >
      <span className="text-ink-soft">{label}</span>
      <span className="truncate font-medium text-ink">{chosen?.text ?? value ?? 'All'}</span>
      <ChevronIcon className="size-3.5 shrink-0 text-ink-faint" />
    </button>
  );
}
