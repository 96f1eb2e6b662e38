/** The size of all text in charts: a canvas cannot read `--text-xs`, and a test compares the two. */
export const CHART_TEXT_PX = 12;

/** The typeface of the page, for a canvas. */
export const CHART_TYPEFACE = "'Instrument Sans', system-ui, sans-serif";
