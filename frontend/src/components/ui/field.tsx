import { clsx } from 'clsx';
import { useId, type ComponentProps, type ReactNode } from 'react';
import { CONTROL, frameOf } from '@/components/ui/control';
import { Select } from '@/components/ui/select';

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
  error?: ReactNode;
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
      <label htmlFor={id} className="text-sm font-medium">
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
        <p id={errorId} className="text-xs font-medium text-critical">
          {error}
        </p>
      )}
    </div>
  );
}

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

type LabelProps = Omit<FieldProps, 'children'>;

interface TextFieldProps
  extends
    LabelProps,
    Pick<
      ComponentProps<'input'>,
      | 'type'
      | 'inputMode'
      | 'placeholder'
      | 'maxLength'
      | 'autoComplete'
      | 'autoFocus'
      | 'name'
      | 'readOnly'
      | 'step'
    > {
  value: string;
  inputClassName?: string;
  onChange: (text: string) => void;
}

/** One line of text with its label, hint and error. */
export function TextField({ value, inputClassName, onChange, ...props }: TextFieldProps) {
  const { type, inputMode, placeholder, maxLength, step, ...others } = props;
  const { autoComplete, autoFocus, name, readOnly, ...field } = others;
  return (
    <Field {...field}>
      {(control) => (
        <Input
          {...control}
          {...{ type, inputMode, placeholder, maxLength, step }}
          {...{ autoComplete, autoFocus, name, readOnly }}
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
        <Select {...control} value={value} onChange={({ target }) => choose(target.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.text}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
