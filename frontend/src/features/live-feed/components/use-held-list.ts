import { useMemo, useState, type FocusEvent } from 'react';

/**
 * Freezes the order of a list while the pointer or the focus is inside it, so that items do not move under a click.
 *
 * Items that change in place are still updated.
 */
export function useHeldList<Item>(items: readonly Item[], keyOf: (item: Item) => string) {
  const [held, setHeld] = useState<readonly Item[] | null>(null);
  const newest = useMemo(() => new Map(items.map((item) => [keyOf(item), item])), [items, keyOf]);
  const hold = () => setHeld((current) => current ?? items);
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
