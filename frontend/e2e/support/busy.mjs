import { availableParallelism, loadavg } from 'node:os';

/** Where more processes than this want each core, what is measured is how long they wait for it. */
const BUSY = 3;

/**
 * Marks a test as skipped, with the reason, where speed cannot be judged on this machine just now, and says whether it did.
 *
 * A skipped test still fails by what it asserted before.
 */
export function skipWhenBusy(t) {
  const load = loadavg()[0] / availableParallelism();
  if (load <= BUSY) return false;
  t.skip(`${load.toFixed(1)} processes want each core, so speed cannot be judged`);
  return true;
}
