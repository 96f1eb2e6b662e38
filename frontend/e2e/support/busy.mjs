import { availableParallelism, loadavg } from 'node:os';

/** With more runnable processes per core, measurements are unreliable. */
const BUSY = 3;

/**
 * Skips a test if the machine is too busy to measure speed, and returns whether it did.
 *
 * Assertions made before still count.
 */
export function skipWhenBusy(t) {
  const load = loadavg()[0] / availableParallelism();
  if (load <= BUSY) return false;
  t.skip(`${load.toFixed(1)} processes want each core, so speed cannot be judged`);
  return true;
}
