import type { FilterKey, View } from '@/lib/view';
import { filterOf } from '@/lib/view';

/** The Explore filters for the posts behind a figure. */
export type Behind = Partial<
  Record<
    FilterKey | 'label' | 'emotion' | 'min_churn' | 'q' | 'from' | 'to' | 'order' | 'post',
    string
  >
>;

/** Links from the figures of the Live page to the posts behind them. */
export interface Drill {
  /** Search parameters for a link. */
  searchOf: (behind: Behind) => Record<string, string>;
  /** Navigates, for chart items that cannot be links. */
  open: (behind: Behind) => void;
}

/** Returns the Explore search parameters for a view's posts in a period; `behind` overrides them. */
export function searchBehind(
  view: View,
  { from, to }: { from: string; to: string },
  behind: Behind,
): Record<string, string> {
  const wanted = { from: toSecond(from), to: toSecond(to, 1), ...filterOf(view), ...behind };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

/** Rounds down to a whole second, which keeps URLs short. */
function toSecond(at: string, more = 0): string {
  const seconds = Math.floor(Date.parse(at) / 1_000) + more;
  return new Date(seconds * 1_000).toISOString().replace('.000', '');
}
