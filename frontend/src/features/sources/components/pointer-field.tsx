import { useId } from 'react';
import { Field, Input, type FieldProps } from '@/components/ui/field';
import { POINTER_MAX } from '@/features/sources/model/mapping';
import type { Place } from '@/features/sources/model/sample';

interface PointerFieldProps extends Omit<FieldProps, 'children'> {
  value: string;
  placeholder?: string;
  /** What the sample has, as suggestions. */
  places: readonly Place[];
  onChange: (pointer: string) => void;
}

/** A JSON Pointer, which can be chosen from those of a sample. */
export function PointerField(props: PointerFieldProps) {
  const { value, placeholder, places, onChange, ...field } = props;
  const listId = useId();
  return (
    <Field {...field}>
      {(control) => (
        <>
          <Input
            {...control}
            className="font-mono"
            list={listId}
            // A pointer is neither a sentence nor a word.
            autoCapitalize="off"
            autoComplete="off"
            spellCheck={false}
            placeholder={placeholder}
            maxLength={POINTER_MAX}
            value={value}
            onChange={({ target }) => onChange(target.value)}
          />
          <datalist id={listId}>
            {places.map((place) => (
              <option key={place.pointer} value={place.pointer} label={shorten(place)} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}

/** Long enough to recognize a value. */
const VALUE_MAX = 60;

/** `/user/name: ana`. Browsers that show a label show it instead of the pointer. */
function shorten({ pointer, value }: Place): string {
  const short = value.length > VALUE_MAX ? `${value.slice(0, VALUE_MAX)}…` : value;
  return `${pointer}: ${short}`;
}
