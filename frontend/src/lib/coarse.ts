interface Period {
  from: string;
  to: string;
}

const MINUTE_MS = 60_000;

/**
 * Widens a period to a grid of a quarter of its length, at least a minute.
 *
 * A period that moves with the clock would be another query every second; this one changes a few times per length.
 */
export function coarsePeriod({ from, to }: Period): Period {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const grid = Math.max(MINUTE_MS, Math.ceil((end - start) / 4 / MINUTE_MS) * MINUTE_MS);
  const at = (ms: number) => new Date(ms).toISOString();
  return { from: at(Math.floor(start / grid) * grid), to: at(Math.ceil(end / grid) * grid) };
}
