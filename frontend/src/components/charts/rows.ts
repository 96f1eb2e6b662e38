import type { Box, Size } from '@/components/charts/scene';

interface Margins {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** The rows of a bar chart: where the bars of each lie, and its middle. */
export function rowsOf(n: number, size: Size, { left, right, top, bottom }: Margins) {
  const plot: Box = {
    ...{ left, top },
    width: Math.max(0, size.width - left - right),
    height: Math.max(0, size.height - top - bottom),
  };
  const height = plot.height / Math.max(1, n);
  return {
    plot,
    middleOf: (row: number) => top + (row + 0.5) * height,
    /** The row with its labels, as wide as the chart. */
    boxOf: (row: number): Box => ({ left: 0, width: size.width, top: top + row * height, height }),
  };
}
