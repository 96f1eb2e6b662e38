/** As many requests as a browser sends to one server at a time. */
const AT_ONCE = 6;

/** An action that failed for some of several items. */
export class SomeFailed extends Error {
  constructor(n_failed: number, n_all: number, reason: string) {
    super(`${n_failed} of ${n_all} failed: ${reason}`);
    this.name = 'SomeFailed';
  }
}

/**
 * Acts on every item, a few at a time, even if some fail.
 *
 * Rejects afterwards if any failed: with the error itself for a single item, otherwise with how many failed and why.
 */
export async function actOnEach<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<unknown>,
): Promise<void> {
  const waiting = [...items];
  const errors: Error[] = [];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await act(item);
      } catch (error) {
        errors.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const [first] = errors;
  if (first === undefined) return;
  throw items.length === 1 ? first : new SomeFailed(errors.length, items.length, first.message);
}
