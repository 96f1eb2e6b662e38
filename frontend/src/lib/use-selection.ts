import { useState } from 'react';

/** The rows of a list that are selected, by id. What is no longer listed is no longer selected. */
export function useSelection<Item>(items: readonly Item[], idOf: (item: Item) => string) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  return {
    selected: items.filter((item) => chosen.has(idOf(item))),
    isSelected: (item: Item) => chosen.has(idOf(item)),
    /** Selects exactly these. */
    choose: (ids: readonly string[]) => setChosen(new Set(ids)),
    select: (item: Item, isSelected: boolean) =>
      setChosen((before) => {
        const after = new Set(before);
        if (isSelected) after.add(idOf(item));
        else after.delete(idOf(item));
        return after;
      }),
  };
}
