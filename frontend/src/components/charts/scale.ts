/** Returns round steps from 0 to the largest value or beyond, about `n`, of whole numbers. */
export function ticksTo(most: number, n: number): number[] {
  const step = Math.max(1, roundStep(Math.max(1, most) / n));
  const count = Math.ceil(Math.max(1, most) / step);
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}

const DIGITS = [
  [1.5, 1],
  [2.5, 2],
  [4, 3],
  [7, 5],
] as const;

function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const [, digit = 10] = DIGITS.find(([below]) => rough / power < below) ?? [];
  return digit * power;
}

/** The width of a letter of the axis labels, at most, in pixels. */
const LETTER_PX = 7;

/** The space between two labels of an axis, in pixels. */
const GAP_PX = 10;

/** Returns the width that a text takes at most. */
export function widthOf(text: string): number {
  return text.length * LETTER_PX;
}

/** Returns the indexes of the labels that fit beside each other; empty ones are left out. */
export function fittingLabels(labels: readonly string[], band: number): number[] {
  let free = -Infinity;
  return labels.flatMap((text, i) => {
    const half = widthOf(text) / 2;
    const middle = (i + 0.5) * band;
    if (text === '' || middle - half < free) return [];
    free = middle + half + GAP_PX;
    return [i];
  });
}
