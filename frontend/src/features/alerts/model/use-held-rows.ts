import { useEffect, useRef, useState, type FocusEvent, type PointerEvent } from 'react';
import { holdRows, type HoldOptions } from '@/features/alerts/model/hold-rows';

/** A finger leaves with every tap; the next tap at the same spot must not find another row. */
const TOUCH_HOLD_MS = 3_000;

/** Keeps the rows of a list in place while the pointer or the keyboard's focus is in it. */
export function useHeldRows<Row extends { id: string }>(
  current: readonly Row[],
  options?: HoldOptions<Row>,
) {
  const [held, setHeld] = useState<readonly Row[] | null>(null);
  const release = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(release.current), []);
  const rows = held === null ? current : holdRows(held, current, options);
  // New rows, too, stay where they first appeared.
  if (held !== null && rows.length > held.length) setHeld(rows);
  const hold = () => {
    clearTimeout(release.current);
    setHeld((before) => before ?? current);
  };
  return {
    rows,
    handlers: {
      onPointerEnter: hold,
      onPointerLeave: ({ pointerType }: PointerEvent) => {
        clearTimeout(release.current);
        if (pointerType === 'touch')
          release.current = setTimeout(() => setHeld(null), TOUCH_HOLD_MS);
        else setHeld(null);
      },
      // After a click the focus stays in the list, but the pointer decides.
      onFocus: ({ target }: FocusEvent) => {
        if (target.matches(':focus-visible')) hold();
      },
      onBlur: ({ currentTarget, relatedTarget }: FocusEvent) => {
        if (currentTarget.contains(relatedTarget)) return;
        if (!currentTarget.matches(':hover')) setHeld(null);
      },
    },
  };
}
