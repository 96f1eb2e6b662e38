import type { Average, ScoredPost, Sentiment, Tally } from '@/api/wire';

/** What happened in one step. */
export type Step = Tally & { from: string; to: string };

export interface Stretch {
  from: string;
  to: string;
  seconds: number;
}

/** `rollups` are sums kept as posts are stored; where none fit the question, the posts themselves are counted. */
export type AnsweredFrom = 'rollups' | 'posts';

export interface SeriesAnswer {
  range: Stretch;
  tz: string;
  step: string;
  answered_from: AnsweredFrom;
  items: Step[];
  /** The same steps of the stretch before, where it was asked for. */
  previous: Step[] | null;
}

export interface BreakdownItem {
  key: string;
  count: number;
  share: number;
  previous_count: number | null;
  sentiment: { average?: Average } | null;
}

export interface BreakdownAnswer {
  range: Stretch;
  by: string;
  answered_from: AnsweredFrom;
  items: BreakdownItem[];
}

/** A post and what a person says its label is; null where nobody has. */
export type ExploredPost = ScoredPost & { corrected_label?: Sentiment | null };

export interface ExploredPage {
  items: ExploredPost[];
  next_cursor?: string | null;
}

export interface SavedView {
  id: string;
  name: string;
  page: 'explore' | 'live';
  /** What follows the `?` of its address. */
  query: string;
  created_at: string;
  updated_at: string;
}

export interface SavedViews {
  items: SavedView[];
}
