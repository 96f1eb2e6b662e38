import { clsx } from 'clsx';
import type { ReactNode } from 'react';

interface CheckboxProps {
  checked: boolean;
  /** Whether some of what it stands for is checked, but not all. */
  isMixed?: boolean;
  /** The accessible name, if there is no text. */
  label?: string;
  className?: string;
  disabled?: boolean;
  /** What is wrong with the choice: the id of the text that says it. */
  errorId?: string | undefined;
  onChange: (checked: boolean) => void;
  children?: ReactNode;
}

/** A checkbox with its text. */
export function Checkbox(props: CheckboxProps) {
  const { checked, isMixed = false, label, className, disabled = false, errorId } = props;
  const { onChange, children } = props;
  return (
    <label className={clsx('flex w-fit items-center gap-2 text-sm', className)}>
      <input
        ref={(input) => {
          if (input !== null) input.indeterminate = isMixed;
        }}
        type="checkbox"
        className="size-4 shrink-0 accent-brand"
        aria-label={label}
        aria-invalid={errorId === undefined ? undefined : true}
        aria-describedby={errorId}
        checked={checked}
        disabled={disabled}
        onChange={({ target }) => onChange(target.checked)}
      />
      {children}
    </label>
  );
}
