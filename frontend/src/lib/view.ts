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

/** How long the live window is where nothing says otherwise. */
export const LIVE_SECONDS = 60;

/** The length it was set to: it begins on a ten-second edge, so it is up to as much longer. */
export function liveSecondsOf(window: { seconds: number } | null | undefined): number {
  return window ? Math.floor(window.seconds / 10) * 10 : LIVE_SECONDS;
}

/** `last 60 seconds`, `last 5 minutes`; the live window by the length that the figures themselves tell. */
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

/** By what posts stand out; the API's names of orders. */
export const TOP_ORDERS = ['virality', 'rising', 'engagement'] as const;
export type TopOrder = (typeof TOP_ORDERS)[number];

/** What the page shows. All of it lives in the address, so that a view can be shared by its link. */
export interface View extends PostFilter {
  window: WindowKey;
  /** By what the posts that stand out are chosen; by virality where it is not said. */
  top?: TopOrder;
}

/** Reads an address typed or shared by anyone: what makes no sense is left out, never an error. */
export function parseView(search: Record<string, unknown>): View {
  const view: View = {
    window: WINDOWS.find((key) => key === search['window']) ?? '60s',
  };
  const top = TOP_ORDERS.find((key) => key === search['top']);
  if (top !== undefined && top !== 'virality') view.top = top;
  for (const key of FILTERS) {
    const value = search[key];
    // The router reads `?city=2026` as a number.
    const text = typeof value === 'number' ? String(value) : value;
    // No name of anything has a NUL in it, and the server takes none.
    if (typeof text === 'string' && text !== '' && !text.includes('\0')) view[key] = text;
  }
  return view;
}

/** The shortest address that means this view. */
export function viewToSearch(view: View): Record<string, string> {
  const { window, top, ...filter } = view;
  return {
    ...(window === '60s' ? {} : { window }),
    ...filterOf(filter),
    ...(top !== undefined && top !== 'virality' && { top }),
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

/** The same view of everything. */
export function withoutFilters({ window, top }: View): View {
  return { window, ...(top !== undefined && { top }) };
}

export function isFiltered(view: PostFilter): boolean {
  return FILTERS.some((key) => view[key] !== undefined);
}

/** Socket frames carry the unfiltered live window, which `60s` stands for; anything else has to be asked for. */
export function isSocketView(view: View): boolean {
  return view.window === '60s' && !isFiltered(view);
}
