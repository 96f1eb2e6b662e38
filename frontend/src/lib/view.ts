import type { PostFilter } from '@/live/feed';

export const WINDOWS = ['60s', '5m', '1h', '24h', '7d'] as const;
export type WindowKey = (typeof WINDOWS)[number];

export const WINDOW_NAMES: Record<WindowKey, string> = {
  '60s': 'last 60 seconds',
  '5m': 'last 5 minutes',
  '1h': 'last hour',
  '24h': 'last 24 hours',
  '7d': 'last 7 days',
};

/** The default length of the live window. */
export const LIVE_SECONDS = 60;

/** Returns the length of the live window, a whole number of ten-second buckets. */
export function liveSecondsOf(window: { seconds: number } | null | undefined): number {
  return window ? Math.floor(window.seconds / 10) * 10 : LIVE_SECONDS;
}

/** `last 60 seconds`, `last 5 minutes`; using the actual length of the live window. */
export function nameOfWindow(
  key: WindowKey,
  window: { seconds: number } | null | undefined,
): string {
  const seconds = liveSecondsOf(window);
  if (key !== '60s' || seconds === LIVE_SECONDS) return WINDOW_NAMES[key];
  return seconds % 60 === 0 && seconds > 60
    ? `last ${seconds / 60} minutes`
    : `last ${seconds} seconds`;
}

export const FILTERS = ['source', 'platform', 'product', 'channel', 'city'] as const;
export type FilterKey = (typeof FILTERS)[number];

/** The orders of the top posts, under the API's names. */
export const TOP_ORDERS = ['virality', 'rising', 'engagement'] as const;
export type TopOrder = (typeof TOP_ORDERS)[number];

/** The state of the Live page, all of it in the URL, so that a view can be shared. */
export interface View extends PostFilter {
  window: WindowKey;
  /** The order of the top posts; virality by default. */
  top?: TopOrder;
  /** The arrangement of the panels, if the view has its own. */
  panels?: string;
  /** Present on a screen on the wall: the seconds until the next saved view, or 0 for this one alone. */
  wall?: number;
}

/** In seconds; a view that leaves sooner cannot be read. */
const ROTATION_MIN = 10;

/** Longer than any arrangement; the server limits a saved view to 4,000 characters. */
const PANELS_CHARS_MAX = 400;

/** Parses search parameters, ignoring invalid ones. */
export function parseView(search: Record<string, unknown>): View {
  const view: View = {
    window: WINDOWS.find((key) => key === search['window']) ?? '60s',
  };
  const top = TOP_ORDERS.find((key) => key === search['top']);
  if (top !== undefined && top !== 'virality') view.top = top;
  const panels = search['panels'];
  if (typeof panels === 'string' && panels !== '' && panels.length <= PANELS_CHARS_MAX) {
    view.panels = panels;
  }
  if ('wall' in search) {
    const seconds = Math.floor(Number(search['wall']));
    view.wall = seconds >= ROTATION_MIN ? seconds : 0;
  }
  for (const key of FILTERS) {
    const value = search[key];
    // The router parses `?city=2026` as a number.
    const text = typeof value === 'number' ? String(value) : value;
    // The server rejects NUL.
    if (typeof text === 'string' && text !== '' && !text.includes('\0')) view[key] = text;
  }
  return view;
}

/** Returns the shortest search parameters for a view. */
export function viewToSearch(view: View): Record<string, string> {
  const { window, top, panels, wall, ...filter } = view;
  return {
    ...(window === '60s' ? {} : { window }),
    ...filterOf(filter),
    ...(top !== undefined && top !== 'virality' && { top }),
    ...(panels !== undefined && { panels }),
    ...(wall !== undefined && { wall: String(wall) }),
  };
}

export function filterOf(view: PostFilter): PostFilter {
  const filter: PostFilter = {};
  for (const key of FILTERS) {
    const value = view[key];
    if (value !== undefined) filter[key] = value;
  }
  return filter;
}

export function withoutFilters({ window, top, panels }: View): View {
  return { window, ...(top !== undefined && { top }), ...(panels !== undefined && { panels }) };
}

export function isFiltered(view: PostFilter): boolean {
  return FILTERS.some((key) => view[key] !== undefined);
}

/** Whether the socket pushes the view: only the unfiltered live window, `60s`. */
export function isSocketView(view: View): boolean {
  return view.window === '60s' && !isFiltered(view);
}
