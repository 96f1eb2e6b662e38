import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const script = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Runs axe on a page, and returns what it finds: rules with the first element of each.
 *
 * Nothing moves meanwhile, because a colour half-way has a contrast that no one chose. Every transition and animation
 * takes its end state at once: on a page where posts arrive, no moment is without one.
 */
export async function runAxe(page) {
  await page.evaluate(await script);
  return page.evaluate(async () => {
    const still = new CSSStyleSheet();
    still.replaceSync(`*, ::before, ::after {
      transition: none !important;
      animation-delay: 0s !important;
      animation-duration: 1ms !important;
      animation-iteration-count: 1 !important;
    }`);
    document.adoptedStyleSheets.push(still);
    try {
      // What a state changed just before is styled in the first frame, and an animation ends in the next ones.
      for (let i = 0; i < 3; i += 1) await new Promise(requestAnimationFrame);
      const found = await window.axe.run();
      return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
    } finally {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== still);
    }
  });
}
