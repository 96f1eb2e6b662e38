/** Read from across the room, type is a quarter larger than on a desk. */
const FROM_AFAR = 1.25;

/** The screen for which that holds; a larger one shows the same page larger. */
const SCREEN = { width: 1_920, height: 1_080 };

/** Returns the scale of the page on a screen on the wall. A screen smaller than a desk's keeps its size. */
export function scaleOf({ width, height }: { width: number; height: number }): number {
  const share = Math.min(width / SCREEN.width, height / SCREEN.height);
  return Math.max(1, Math.round(FROM_AFAR * share * 100) / 100);
}
