import { useState, type FocusEvent } from 'react';

/**
 * Keeps a list still while somebody reads it: under the pointer, or with the keyboard's focus inside.
 *
 * A list that moves away under a click makes people click the wrong thing.
 */
export function useHeldList<Item>(items: readonly Item[]) {
  const [held, setHeld] = useState<readonly Item[] | null>(null);
  const hold = () => setHeld((known) => known ?? items);
  const release = () => setHeld(null);
  return {
    shown: held ?? items,
    isHeld: held !== null,
    handlers: {
      onPointerEnter: hold,
      onPointerLeave: release,
      onFocus: hold,
      onBlur: (event: FocusEvent) => {
        if (!event.currentTarget.contains(event.relatedTarget)) release();
      },
    },
  };
}
