import type { Schemas } from '@/api/wire';

/** Volume and sentiment, step by step. */
export type SeriesAnswer = Schemas['ExploreSeries'];

/** What happened in one step. */
export type Step = Schemas['ExplorePoint'];

export type BreakdownAnswer = Schemas['ExploreBreakdown'];
export type BreakdownItem = Schemas['ExploreItem'];

/** A post and what a person says its label is; null where nobody has. */
export type ExploredPost = Schemas['ListedPost'];
export type ExploredPage = Schemas['Page_ListedPost'];

export type SavedView = Schemas['SavedView'];
export type SavedViews = Schemas['Page_SavedView'];
export type NewView = Schemas['NewView'];

export type NewLabel = Schemas['NewLabel'];
