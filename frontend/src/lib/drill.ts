import type { FilterKey, View } from '@/lib/view';
import { filterOf } from '@/lib/view';

/** The Explore filters for the posts behind a figure. */
export type Behind = Partial<
  Record<
    FilterKey | 'label' | 'emotion' | 'min_churn' | 'q' | 'from' | 'to' | 'order' | 'by' | 'post',
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
  const wanted = {
    from: toSecond(from, Math.floor),
    to: toSecond(to, Math.ceil),
    ...filterOf(view),
    ...behind,
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

/** Rounds to a whole second, which keeps URLs short. */
function toSecond(at: string, round: (seconds: number) => number): string {
  const seconds = round(Date.parse(at) / 1_000);
  return new Date(seconds * 1_000).toISOString().replace('.000', '');
}
