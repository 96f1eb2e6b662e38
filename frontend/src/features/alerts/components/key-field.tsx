import { useId } from 'react';
import { Field, Input } from '@/components/ui/field';
import { Checkbox } from '@/components/ui/checkbox';
import { isUnknownKey, useKnownKeys } from '@/features/alerts/api/known-keys';
import { capitalize } from '@/lib/format';

interface KeyFieldProps {
  dimension: string;
  value: string;
  hint?: string;
  placeholder?: string;
  disabled?: boolean;
  error: string | null;
  /** Why the form could not be saved. */
  rejection: Error | null;
  /** The key without posts that the person confirmed. */
  confirmed: string;
  onChange: (key: string) => void;
  onConfirm: (confirmed: string) => void;
}

/** A product, platform, channel or city. One that no post has named must be confirmed. */
export function KeyField(props: KeyFieldProps) {
  const { dimension, value, rejection, confirmed, onChange, onConfirm } = props;
  const { hint, placeholder, disabled = false, error } = props;
  const known = useKnownKeys(dimension);
  const listId = useId();
  const key = value.trim();
  const isConfirmed = key !== '' && confirmed === key;
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <Field
        label={capitalize(dimension)}
        {...(hint !== undefined && { hint })}
        error={error}
        disabled={disabled}
      >
        {(control) => (
          <Input
            {...control}
            placeholder={placeholder}
            list={listId}
            autoComplete="off"
            value={value}
            onChange={({ target }) => onChange(target.value)}
          />
        )}
      </Field>
      <datalist id={listId}>
        {known.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {(isUnknownKey(rejection) || isConfirmed) && !disabled && (
        <Checkbox checked={isConfirmed} onChange={(yes) => onConfirm(yes ? key : '')}>
          Use “{key}” anyway
        </Checkbox>
      )}
    </div>
  );
}
