/**
 * The API types that several features use, under the dashboard's names.
 *
 * They are generated from the server's schema (`npm run types`), so a field that changes there fails to compile here.
 */
import type { components } from '@/api/schema.generated';

/** For types that only one feature uses. */
export type Schemas = components['schemas'];

export type Sentiment = Schemas['SentimentLabel'];
export const SENTIMENTS = ['positive', 'neutral', 'negative'] as const satisfies Sentiment[];

export type Emotion = keyof Schemas['EmotionScores'];
/** In display order, from pleasant to unpleasant. */
export const EMOTIONS = [
  'joy',
  'surprise',
  'neutral',
  'sadness',
  'fear',
  'disgust',
  'anger',
] as const satisfies Emotion[];

/** An average over posts; absent if there are none. */
export type Average = Schemas['SentimentSummary']['average'];

/** Labels, emotions and `high` are counts; averages are null while the count is 0. */
export type Tally = Schemas['Summary'];

/** `key` is empty for posts without a value in this dimension. */
export type KeyedTally = Schemas['Breakdown'];

export type MetricsSnapshot = Schemas['LiveMetrics'];
export type Trend = Schemas['LiveTrend'];
export type Peak = Schemas['Peak'];
export type SourceCount = Schemas['KeyCount'];

export type OverallAnswer = Schemas['Overall'];
export type BreakdownAnswer = Schemas['Breakdowns'];
export type TrendAnswer = Schemas['TrendWithPeaks'];

export type Post = Schemas['Post'];
export type Score = Schemas['Score'];
export type ModelId = Schemas['ModelId'];
export type ScoredPost = Schemas['ScoredPost'];
export type PostDetails = Schemas['PostWithHistory'];
export type PostPage = Schemas['Page_ListedPost'];

export type Trends = Schemas['Trends'];
export type TrendingTerm = Schemas['TrendingTerm'];

export type Alert = Schemas['Alert'];
export type AlertPage = Schemas['Page_Alert'];

export type TierStatus = Schemas['TierHealth'];
export type TiersStatus = Schemas['TiersHealth'];
export type ReloadAnswer = Schemas['ReloadAnswer'];
export type SystemStatus = Schemas['SystemHealth'];
export type DependencyStatus = Schemas['DependencyHealth'];
export type StageStatus = Schemas['StageHealth'];
export type ServiceAlert = Schemas['ServiceAlert'];
export type StageState = Schemas['StageState'];

export type ServerFrameSchema = Schemas['ServerFrame'];
export type ClientOpSchema = Schemas['ClientOp'];
