import { availableParallelism, loadavg } from 'node:os';

/** Where more processes than this want each core, what is measured is how long they wait for it. */
const BUSY = 3;

/** Whether speed can be demanded of this machine just now; says so in the test's output where it cannot. */
export function isBusy(t) {
  const load = loadavg()[0] / availableParallelism();
  if (load > BUSY) {
    t.diagnostic(
      `${load.toFixed(1)} processes wait for each core, so the speed is told and not demanded`,
    );
  }
  return load > BUSY;
}
