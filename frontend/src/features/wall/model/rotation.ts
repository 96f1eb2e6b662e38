/** The intervals offered, in seconds; 0 is none. */
export const ROTATIONS = [0, 15, 30, 60, 300] as const;

/** Returns the query after the current one, starting over at the end; the first one if the current one is not saved. */
export function nextQuery(queries: readonly string[], current: string): string | null {
  if (queries.length === 0) return null;
  return queries[(queries.indexOf(current) + 1) % queries.length] ?? null;
}
