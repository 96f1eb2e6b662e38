import { lazy, Suspense, useState, type KeyboardEvent } from 'react';
import { SelectButton, type SelectProps } from '@/components/ui/select-button';

const load = () => import('@/components/ui/select-list');

/** Loaded on demand, because it would be a tenth of the first load. */
const SelectList = lazy(load);

/** A filter on one dimension; the first option removes the filter. */
export function Select(props: SelectProps) {
  const [isRequested, setRequested] = useState(false);
  const { label, value, options } = props;
  const openByArrow = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    setRequested(true);
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
      onClick={() => setRequested(true)}
      onKeyDown={openByArrow}
    />
  );
  if (!isRequested) return closed;
  return (
    <Suspense fallback={closed}>
      <SelectList {...props} />
    </Suspense>
  );
}
