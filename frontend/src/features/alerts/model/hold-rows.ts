import type { Alert } from '@/api/wire';

export interface HoldOptions<Row> {
  /** Shows a row that left the list; without it, the row stays as it was. */
  whenGone?: ((row: Row) => Row) | undefined;
  /** Shows the current state of a held row; without it, the row is replaced. */
  update?: ((held: Row, current: Row) => Row) | undefined;
}

/**
 * Returns the rows to show while a person points at the list: every row stays where it was, with its current state.
 *
 * New rows are appended, so nothing moves under the pointer.
 */
export function holdRows<Row extends { id: string }>(
  held: readonly Row[],
  current: readonly Row[],
  { whenGone = (row) => row, update = (_, row) => row }: HoldOptions<Row> = {},
): Row[] {
  const byId = new Map(current.map((row) => [row.id, row]));
  const kept = held.map((row) => {
    const now = byId.get(row.id);
    return now === undefined ? whenGone(row) : update(row, now);
  });
  const isHeld = new Set(held.map(({ id }) => id));
  return [...kept, ...current.filter(({ id }) => !isHeld.has(id))];
}

/** An alert that left a complete list of open alerts has resolved. */
export function asResolved(alert: Alert): Alert {
  return { ...alert, state: 'resolved', phase: 'resolved' };
}
