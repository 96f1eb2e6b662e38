import assert from 'node:assert/strict';

/**
 * How long to wait for anything. It only ends what hangs, so it is far longer than the slowest machine needs: how long
 * something took is never what fails a test.
 */
export const PATIENCE_MS = 180_000;

const EVERY_MS = 100;

/** An error that waiting does not cure. */
export class Hopeless extends Error {}

/** Retries until the result is truthy, and returns it; fails with the last error. */
export async function until(what, ask, patienceMs = PATIENCE_MS) {
  const deadline = Date.now() + patienceMs;
  let why = 'it never was';
  do {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      why = error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  } while (Date.now() < deadline);
  throw new Error(`waited ${patienceMs / 1_000} s for ${what}: ${why}`);
}

/** Waits until `read` returns `expected`, because a page shows what was done to it some frames later. */
export async function untilEqual(what, expected, read) {
  await until(what, async () => {
    assert.deepEqual(await read(), expected);
    return true;
  });
}
