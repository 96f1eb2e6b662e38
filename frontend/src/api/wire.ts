/**
 * What travels between server and dashboard.
 *
 * Field names are the contract's. A nullable field may also be missing, because the server leaves out what it does
 * not know.
 */
export const SENTIMENTS = ['positive', 'neutral', 'negative'] as const;
export type Sentiment = (typeof SENTIMENTS)[number];

export const EMOTIONS = [
  'joy',
  'surprise',
  'neutral',
  'sadness',
  'fear',
  'disgust',
  'anger',
] as const;
export type Emotion = (typeof EMOTIONS)[number];

/** Labels, emotions and `high` are counts; averages are null while the count is 0. */
export interface Tally {
  count: number;
  sentiment: { average: number | null } & Record<Sentiment, number>;
  churn: { average: number | null; high: number };
  toxicity: { average: number | null };
  emotions: Record<Emotion, number>;
  late: number;
  revision: number;
}

/** `key` is empty for posts that name nothing in this dimension. */
export interface KeyedTally extends Tally {
  key: string;
}

export interface PlaceTally extends KeyedTally {
  lat?: number | null;
  lon?: number | null;
}

export interface TrendStep extends Tally {
  from: string;
}

export interface MetricsWindow {
  from: string;
  to: string;
  seconds: number;
}

export interface Trend {
  step_seconds: number;
  items: TrendStep[];
}

export interface MetricsSnapshot {
  window: MetricsWindow;
  overall: Tally;
  geo: PlaceTally[];
  products: KeyedTally[];
  channels: KeyedTally[];
  platforms: KeyedTally[];
  sources: { key: string; count: number }[];
  /** Stored posts over the last ten seconds, and the share of them that the feed was sent. */
  rate: { posts_per_second: number; feed_share: number };
  trend: Trend;
}

export interface Author {
  id?: string | null;
  handle?: string | null;
  followers?: number | null;
  location?: string | null;
}

export interface Post {
  uuid: string;
  id: string;
  platform: string;
  text: string;
  author?: Author | null;
  lang?: string | null;
  created_at: string;
  received_at: string;
  original_created_at?: string | null;
  source: string;
  city?: string | null;
  country?: string | null;
  lat?: number | null;
  lon?: number | null;
  products: string[];
  channel?: string | null;
  url?: string | null;
  reach?: number | null;
}

export interface Score {
  sentiment: { label: Sentiment; score: number; confidence: number };
  emotion: { label: Emotion; scores: Record<Emotion, number> };
  toxicity: number;
  churn_risk: number;
  virality: number;
  model: { name: string; version: string; hash: string };
}

export interface ScoredPost {
  post: Post;
  score: Score;
}

export interface AlertPost {
  uuid: string;
  text: string;
  platform: string;
  source: string;
  churn_risk: number;
}

export interface Alert {
  id: string;
  rule: string;
  scope: { dimension: string; key: string };
  state: 'open' | 'resolved';
  severity: 'warning' | 'critical';
  title: string;
  value: number;
  threshold: number;
  count: number;
  opened_at: string;
  updated_at: string;
  resolved_at?: string | null;
  acknowledged_at?: string | null;
  posts: AlertPost[];
}

export type StageState = 'running' | 'backing_off' | 'failed' | 'frozen';

export interface StageStatus {
  stage: string;
  state: StageState;
  generation: number;
  restarts: number;
  handled: number;
  failed: number;
  in_flight: number;
  last_progress_at?: string | null;
}

export interface DependencyStatus {
  reachable: boolean;
  error?: string | null;
}

export interface SystemStatus {
  at: string;
  version: string;
  started_at: string;
  /** `embedded` or `external`. */
  mode: string;
  stages: StageStatus[];
  /** Null while Redis is away. */
  stream?: { length: number; lag: number; pending: number; dead: number } | null;
  redis: DependencyStatus;
  postgres: DependencyStatus;
  model: { name: string; version: string; hash: string; degraded?: string | null };
  sockets: { open: number; limit: number };
}

export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}
