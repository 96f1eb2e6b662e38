import { lazy, Suspense, useState, type KeyboardEvent } from 'react';
import { SelectButton, type SelectProps } from '@/components/ui/select-button';

const load = () => import('@/components/ui/select-list');

/** Nobody needs the list before opening one, and it is a tenth of what a first visit would load. */
const SelectList = lazy(load);

/** A filter over one dimension; its first choice takes the filter away. */
export function Select(props: SelectProps) {
  const [isAsked, setAsked] = useState(false);
  const { label, value, options } = props;
  const openByArrow = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    setAsked(true);
  };
  const closed = (
    <SelectButton
      label={label}
      value={value}
      options={options}
      role="combobox"
      aria-expanded={false}
      aria-haspopup="listbox"
      onPointerEnter={() => void load()}
      onClick={() => setAsked(true)}
      onKeyDown={openByArrow}
    />
  );
  if (!isAsked) return closed;
  return (
    <Suspense fallback={closed}>
      <SelectList {...props} />
    </Suspense>
  );
}
