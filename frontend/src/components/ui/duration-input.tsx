import { useState } from 'react';
import { Field, Input, type ControlProps, type FieldProps } from '@/components/ui/field';
import { Select } from '@/components/ui/select';

const UNITS = [
  { name: 'seconds', seconds: 1 },
  { name: 'minutes', seconds: 60 },
  { name: 'hours', seconds: 3_600 },
  { name: 'days', seconds: 86_400 },
] as const;

interface DurationFieldProps extends Omit<FieldProps, 'children'> {
  seconds: number;
  onChange: (seconds: number) => void;
}

/** A duration with its label, hint and error. */
export function DurationField({ seconds, onChange, ...field }: DurationFieldProps) {
  return (
    <Field {...field}>
      {(control) => (
        <DurationInput {...control} label={field.label} seconds={seconds} onChange={onChange} />
      )}
    </Field>
  );
}

interface DurationInputProps extends ControlProps {
  /** Labels the unit. */
  label: string;
  /** NaN while the text is not a number. */
  seconds: number;
  onChange: (seconds: number) => void;
}

/** A duration as a number and a unit. */
function DurationInput({ label, seconds, onChange, ...control }: DurationInputProps) {
  const [unit, setUnit] = useState(() => unitOf(seconds));
  const [typed, setTyped] = useState(() =>
    Number.isFinite(seconds) ? String(seconds / unit) : '',
  );
  const change = (text: string, per: number) => {
    setTyped(text);
    setUnit(per);
    onChange(text.trim() === '' ? Number.NaN : Math.round(Number(text) * per));
  };
  return (
    <span className="flex gap-1.5">
      <Input
        {...control}
        inputMode="decimal"
        className="w-20!"
        value={typed}
        onChange={({ target }) => change(target.value, unit)}
      />
      <Select
        aria-label={`${label}: unit`}
        className="flex-1"
        disabled={control.disabled}
        value={unit}
        onChange={({ target }) => change(typed, Number(target.value))}
      >
        {UNITS.map(({ name, seconds: per }) => (
          <option key={name} value={per}>
            {name}
          </option>
        ))}
      </Select>
    </span>
  );
}

/** Returns the largest unit in which the duration is a whole number. */
function unitOf(seconds: number): number {
  if (!(seconds > 0)) return 1;
  return UNITS.findLast((unit) => seconds % unit.seconds === 0)?.seconds ?? 1;
}
