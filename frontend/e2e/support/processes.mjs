const children = new Set();

/** Ends a child with this process, also when the tests are interrupted and no hook runs. */
export function endWithTests(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
}

process.on('exit', () => {
  for (const child of children) child.kill();
});

for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) {
  process.once(signal, () => process.exit(1));
}

/**
 * Waits for everything that a file of tests starts, and returns it in the same order.
 *
 * If one does not start, stops the others, which would otherwise keep the process running for ever.
 */
export async function startAll(...starting) {
  const settled = await Promise.allSettled(starting);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed === undefined) return settled.map(({ value }) => value);
  const started = settled.filter(({ status }) => status === 'fulfilled');
  await Promise.allSettled(started.map(({ value }) => value.stop?.() ?? value.close()));
  throw failed.reason;
}
