import type { FilterKey, View } from '@/lib/view';
import { filterOf } from '@/lib/view';

/** What narrows the Explore page to the posts behind a figure, by the names of its address. */
export type Behind = Partial<
  Record<
    FilterKey | 'label' | 'emotion' | 'min_churn' | 'q' | 'from' | 'to' | 'order' | 'post',
    string
  >
>;

/** The way from a figure on the Live page to the posts behind it. */
export interface Drill {
  /** The address, for a link. */
  searchOf: (behind: Behind) => Record<string, string>;
  /** Goes there at once, for a mark that cannot be a link. */
  open: (behind: Behind) => void;
}

/** The address of the posts that a view counts between two moments; what `behind` names stands in its place. */
export function searchBehind(
  view: View,
  { from, to }: { from: string; to: string },
  behind: Behind,
): Record<string, string> {
  const wanted = { from: toSecond(from), to: toSecond(to, 1), ...filterOf(view), ...behind };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

/** Whole seconds keep addresses short; the last one is counted in. */
function toSecond(at: string, more = 0): string {
  const seconds = Math.floor(Date.parse(at) / 1_000) + more;
  return new Date(seconds * 1_000).toISOString().replace('.000', '');
}
