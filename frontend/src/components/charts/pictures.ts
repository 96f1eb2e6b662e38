/** Draws a chart with so many pixels of the canvas per pixel of the page. */
export type DrawChart = (ratio: number) => HTMLCanvasElement;

/** How each chart on the page is drawn as a picture, by its element. */
export const pictures = new WeakMap<Element, DrawChart>();
