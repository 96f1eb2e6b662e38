import { clsx } from 'clsx';
import { useId, type ComponentProps, type ReactNode } from 'react';
import { ChevronIcon } from '@/components/ui/icons';

/** The attributes that tie a control to its label, hint and error. */
export interface ControlProps {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': true | undefined;
  disabled: boolean;
}

export interface FieldProps {
  label: string;
  hint?: ReactNode;
  /** What is wrong with the value. */
  error?: string | null | undefined;
  disabled?: boolean;
  className?: string;
  children: (control: ControlProps) => ReactNode;
}

/** A form control with its label, hint and error. */
export function Field({ label, hint, error, disabled = false, className, children }: FieldProps) {
  const id = useId();
  const [hintId, errorId] = [`${id}-hint`, `${id}-error`];
  const described = [hint !== undefined && hintId, error && errorId].filter(Boolean).join(' ');
  return (
    <div className={clsx('flex min-w-0 flex-col gap-1', className)}>
      <label htmlFor={id} className="text-[13px] font-medium">
        {label}
      </label>
      {children({
        id,
        'aria-describedby': described === '' ? undefined : described,
        'aria-invalid': error ? true : undefined,
        disabled,
      })}
      {hint !== undefined && (
        <p id={hintId} className="caption">
          {hint}
        </p>
      )}
      {error && (
        <p id={errorId} className="text-[12.5px] font-medium text-critical">
          {error}
        </p>
      )}
    </div>
  );
}

const CONTROL =
  'h-9 w-full min-w-0 rounded-md border bg-raised px-2.5 text-[13.5px] text-ink placeholder:text-ink-faint disabled:opacity-60';

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input {...rest} className={clsx(CONTROL, frameOf(rest['aria-invalid']), className)} />;
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return (
    <textarea
      {...rest}
      className={clsx(CONTROL, 'h-auto! py-1.5', frameOf(rest['aria-invalid']), className)}
    />
  );
}

/** A native select, which handles hundreds of options and works well on phones. */
export function NativeSelect({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <span className={clsx('relative inline-flex min-w-0', className)}>
      <select
        {...rest}
        className={clsx(CONTROL, 'appearance-none truncate pr-7!', frameOf(rest['aria-invalid']))}
      >
        {children}
      </select>
      <ChevronIcon className="pointer-events-none absolute top-1/2 right-2 size-3.5 -translate-y-1/2 text-ink-faint" />
    </span>
  );
}

function frameOf(invalid: unknown): string {
  return invalid ? 'border-critical' : 'border-line hover:border-line-strong';
}

type LabelProps = Omit<FieldProps, 'children'>;

interface TextFieldProps
  extends
    LabelProps,
    Pick<
      ComponentProps<'input'>,
      'type' | 'inputMode' | 'placeholder' | 'maxLength' | 'autoComplete'
    > {
  value: string;
  inputClassName?: string;
  onChange: (text: string) => void;
}

/** One line of text with its label, hint and error. */
export function TextField({ value, inputClassName, onChange, ...props }: TextFieldProps) {
  const { type, inputMode, placeholder, maxLength, autoComplete, ...field } = props;
  return (
    <Field {...field}>
      {(control) => (
        <Input
          {...control}
          {...{ type, inputMode, placeholder, maxLength, autoComplete }}
          className={inputClassName}
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  );
}

interface SelectFieldProps<Value extends string> extends LabelProps {
  value: Value;
  options: readonly { value: Value; text: string }[];
  onChange: (value: Value) => void;
}

/** A choice from a native list with its label, hint and error. */
export function SelectField<Value extends string>(props: SelectFieldProps<Value>) {
  const { value, options, onChange, ...field } = props;
  const choose = (chosen: string) => {
    const option = options.find((known) => known.value === chosen);
    if (option !== undefined) onChange(option.value);
  };
  return (
    <Field {...field}>
      {(control) => (
        <NativeSelect {...control} value={value} onChange={({ target }) => choose(target.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.text}
            </option>
          ))}
        </NativeSelect>
      )}
    </Field>
  );
}
