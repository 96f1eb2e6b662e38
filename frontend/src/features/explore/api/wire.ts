import type { Schemas } from '@/api/wire';

/** Volume and sentiment by step. */
export type SeriesAnswer = Schemas['SeriesWithPeaks'];

export type Step = Schemas['ExplorePoint'];

/** A breakdown over time. */
export type LinesAnswer = Schemas['ExploreLines'];

export type BreakdownAnswer = Schemas['ExploreBreakdown'];
export type BreakdownItem = Schemas['ExploreItem'];

/** A post with its corrected label, or null. */
export type ExploredPost = Schemas['ListedPost'];
export type ExploredPage = Schemas['Page_ListedPost'];

export type SavedView = Schemas['SavedView'];
export type SavedViews = Schemas['Page_SavedView'];
export type NewView = Schemas['NewView'];

export type NewLabel = Schemas['NewLabel'];
