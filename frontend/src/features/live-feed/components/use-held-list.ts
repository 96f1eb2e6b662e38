import { useMemo, useState, type FocusEvent } from 'react';

/**
 * Keeps a list still while somebody reads it: under the pointer, or with the keyboard's focus inside.
 *
 * A list that moves away under a click makes people click the wrong thing. What changes in its place still does.
 */
export function useHeldList<Item>(items: readonly Item[], keyOf: (item: Item) => string) {
  const [held, setHeld] = useState<readonly Item[] | null>(null);
  const newest = useMemo(() => new Map(items.map((item) => [keyOf(item), item])), [items, keyOf]);
  const hold = () => setHeld((known) => known ?? items);
  const release = () => setHeld(null);
  return {
    shown: held?.map((item) => newest.get(keyOf(item)) ?? item) ?? items,
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
