/** The columns of the grid on wide screens. */
export const COLUMNS = 12;

/** More rows than fit on a screen would hide the panels below. */
const ROWS_MAX = 24;

/** The columns of a laptop's grid come in thirds of the page: a third is the narrowest readable panel there. */
const LAPTOP_COLUMNS = 4;

/** The most rows that a panel has on a laptop, about the height of its screen. */
const LAPTOP_ROWS_MAX = 11;

/**
 * The panels of the Live page in their default order, with their default and minimum sizes.
 *
 * On wide screens, the feed fills the columns beside the panels below the trend; on a laptop, beside the last four.
 */
export const PANELS = {
  alerts: { name: 'Alerts', cols: 3, rows: 6, minCols: 3, minRows: 5 },
  trend: { name: 'Trend', cols: 9, rows: 6, minCols: 4, minRows: 5 },
  terms: { name: 'Trending terms', cols: 3, rows: 6, minCols: 3, minRows: 5 },
  voice: { name: 'Share of voice', cols: 3, rows: 6, minCols: 3, minRows: 6 },
  top: { name: 'Top posts', cols: 3, rows: 6, minCols: 3, minRows: 5 },
  cities: { name: 'Cities', cols: 5, rows: 6, minCols: 3, minRows: 5 },
  emotions: { name: 'Emotions', cols: 4, rows: 6, minCols: 3, minRows: 5 },
  feed: { name: 'Live feed', cols: 3, rows: 17, minCols: 3, minRows: 5 },
  products: { name: 'Products', cols: 5, rows: 5, minCols: 4, minRows: 5 },
  channels: { name: 'Channels', cols: 4, rows: 5, minCols: 4, minRows: 5 },
} as const;

export type PanelId = keyof typeof PANELS;

export const PANEL_IDS = Object.keys(PANELS) as readonly PanelId[];

/** The size of a panel in columns and rows of the grid. */
export interface Size {
  cols: number;
  rows: number;
}

export interface PlacedPanel extends Size {
  id: PanelId;
}

/** The visible panels in reading order. The grid places each at the first free position. */
export type Arrangement = readonly PlacedPanel[];

export const DEFAULT_ARRANGEMENT: Arrangement = PANEL_IDS.map(place);

function place(id: PanelId): PlacedPanel {
  const { cols, rows } = PANELS[id];
  return { id, cols, rows };
}

/** Parses `trend-9x6.feed-3x17`, ignoring what is not a panel; null without a single panel. */
export function parseArrangement(text: string | null | undefined): Arrangement | null {
  const found = new Map<PanelId, PlacedPanel>();
  for (const part of text?.split('.') ?? []) {
    const [, name, cols, rows] = /^([a-z]+)-(\d{1,2})x(\d{1,2})$/.exec(part) ?? [];
    const id = PANEL_IDS.find((known) => known === name);
    if (id === undefined || found.has(id)) continue;
    found.set(id, { id, ...clamped(id, { cols: Number(cols), rows: Number(rows) }) });
  }
  return found.size === 0 ? null : [...found.values()];
}

export function formatArrangement(arrangement: Arrangement): string {
  return arrangement.map(({ id, cols, rows }) => `${id}-${cols}x${rows}`).join('.');
}

export function isDefault(arrangement: Arrangement): boolean {
  return formatArrangement(arrangement) === formatArrangement(DEFAULT_ARRANGEMENT);
}

/** Moves a panel to a position in the reading order. */
export function withMoved(arrangement: Arrangement, id: PanelId, to: number): Arrangement {
  const panel = arrangement.find((placed) => placed.id === id);
  if (panel === undefined) return arrangement;
  const others = arrangement.filter((placed) => placed.id !== id);
  const at = Math.min(Math.max(to, 0), others.length);
  return [...others.slice(0, at), panel, ...others.slice(at)];
}

/** Resizes a panel, within its limits. */
export function withSize(arrangement: Arrangement, id: PanelId, size: Size): Arrangement {
  return arrangement.map((placed) => (placed.id === id ? { id, ...clamped(id, size) } : placed));
}

/** Hides a panel. The last one stays, because an empty page would be a mistake. */
export function without(arrangement: Arrangement, id: PanelId): Arrangement {
  return arrangement.length === 1 ? arrangement : arrangement.filter((placed) => placed.id !== id);
}

/** Shows a hidden panel at the end, in its default size. */
export function withShown(arrangement: Arrangement, id: PanelId): Arrangement {
  return [...arrangement.filter((placed) => placed.id !== id), place(id)];
}

export function hiddenPanels(arrangement: Arrangement): readonly PanelId[] {
  return PANEL_IDS.filter((id) => arrangement.every((placed) => placed.id !== id));
}

function clamped(id: PanelId, { cols, rows }: Size): Size {
  const { minCols, minRows } = PANELS[id];
  return {
    cols: Math.min(Math.max(cols, minCols), COLUMNS),
    rows: Math.min(Math.max(rows, minRows), ROWS_MAX),
  };
}

/** Returns the size on a laptop: whole thirds of the page, no higher than its screen. */
export function laptopSize({ cols, rows }: Size): Size {
  const thirds = Math.max(1, Math.round(cols / LAPTOP_COLUMNS));
  return { cols: thirds * LAPTOP_COLUMNS, rows: Math.min(rows, LAPTOP_ROWS_MAX) };
}
