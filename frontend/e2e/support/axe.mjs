import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const script = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Waits until no transition is under way, because a colour half-way has a contrast that no one chose. The end of one can
 * start another: an element follows the colour that it inherits.
 */
async function settle(page) {
  await page.evaluate(async () => {
    const nextFrame = () => new Promise(requestAnimationFrame);
    for (let n_quiet = 0; n_quiet < 3; n_quiet += 1) {
      const ending = document
        .getAnimations()
        .filter(({ effect }) => Number.isFinite(effect.getComputedTiming().endTime));
      if (ending.length > 0) n_quiet = 0;
      await Promise.allSettled(ending.map(({ finished }) => finished));
      await nextFrame();
    }
  });
}

/** Runs axe on a page, and returns what it finds: rules with the first element of each. */
export async function runAxe(page) {
  await settle(page);
  await page.evaluate(await script);
  return page.evaluate(async () => {
    const found = await window.axe.run();
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
  });
}
