import {
  EMOTIONS,
  type Alert,
  type Emotion,
  type KeyedTally,
  type MetricsSnapshot,
  type ModelId,
  type Post,
  type Score,
  type ScoredPost,
  type Sentiment,
  type SystemStatus,
  type Tally,
  type TiersStatus,
} from '@/api/wire';
import type { ServerFrame } from '@/live/frames';

/** The time of all samples. */
export const NOON = Date.parse('2026-01-02T12:00:00Z');

export const SWIFT: ModelId = { name: 'swift', version: '1', hash: 'abcdef' };

export const DEEP: ModelId = { name: 'deep', version: '3', hash: '0123456789abcdef' };

const zeroEmotions = Object.fromEntries(EMOTIONS.map((name) => [name, 0])) as Record<
  Emotion,
  number
>;

export function sampleTally(changes: Partial<Tally> = {}): Tally {
  return {
    count: 10,
    sentiment: { average: 0.25, positive: 5, neutral: 3, negative: 2 },
    churn: { average: 0.2, high: 1 },
    toxicity: { average: 0.1 },
    emotions: { ...zeroEmotions, joy: 6, anger: 4 },
    late: 0,
    revision: 1,
    ...changes,
  };
}

export const noPosts: Tally = sampleTally({
  count: 0,
  sentiment: { average: null, positive: 0, neutral: 0, negative: 0 },
  churn: { average: null, high: 0 },
  toxicity: { average: null },
  emotions: zeroEmotions,
});

export function sampleKey(key: string, changes: Partial<Tally> = {}): KeyedTally {
  return { key, ...sampleTally(changes) };
}

/** A complete step of ten seconds that began so many seconds ago. */
function sampleStep(ago: number) {
  const from = new Date(NOON - ago * 1_000).toISOString();
  return { from, seconds: 10, complete: true, ...sampleTally() };
}

export function sampleSnapshot(changes: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  return {
    window: {
      from: new Date(NOON - 60_000).toISOString(),
      to: new Date(NOON).toISOString(),
      seconds: 60,
    },
    overall: sampleTally(),
    geo: [{ ...sampleKey('London'), lat: 51.5, lon: -0.1 }],
    products: [sampleKey('Mayweather'), sampleKey('')],
    channels: [sampleKey('app')],
    platforms: [sampleKey('twitter')],
    sources: [{ key: 'replay', count: 10 }],
    rate: { posts_per_second: 0.2, feed_share: 1 },
    trend: {
      step_seconds: 10,
      items: [sampleStep(20), sampleStep(10)],
      peaks: [],
    },
    ...changes,
  };
}

export function samplePost(n: number, changes: Partial<Post> = {}): ScoredPost {
  return {
    post: {
      uuid: `post-${n}`,
      id: String(n),
      platform: 'twitter',
      text: `what a night ${n}`,
      author: { handle: 'u123' },
      created_at: new Date(NOON).toISOString(),
      received_at: new Date(NOON).toISOString(),
      source: 'replay',
      products: ['Mayweather'],
      reach: 0,
      ...changes,
    },
    score: sampleScore('positive'),
  };
}

export function sampleScore(label: Sentiment, model: ModelId = SWIFT): Score {
  return {
    sentiment: { label, score: 0.82, confidence: 0.9 },
    emotion: { label: 'joy', scores: { ...zeroEmotions, joy: 0.8 } },
    toxicity: 0.02,
    churn_risk: 0.1,
    virality: 12,
    model,
  };
}

export function sampleAlert(changes: Partial<Alert> = {}): Alert {
  return {
    id: 'alert-1',
    rule: 'negativity',
    scope: { dimension: 'product', key: 'Mayweather' },
    state: 'open',
    phase: 'firing',
    silenced: false,
    flapping: false,
    severity: 'warning',
    title: 'Most posts about Mayweather are negative',
    value: 0.61,
    threshold: 0.5,
    count: 40,
    measured: {},
    revision: 0,
    comments: 0,
    opened_at: new Date(NOON - 60_000).toISOString(),
    updated_at: new Date(NOON).toISOString(),
    posts: [],
    ...changes,
  };
}

/** A server whose deep model corrects a quarter of the posts. */
export function sampleTiers(changes: Partial<TiersStatus> = {}): TiersStatus {
  return {
    budget_ms: 1_000,
    overloaded: false,
    awaiting: 12,
    deep_per_second: 48.2,
    items: [
      { tier: 'swift', model: SWIFT, share: 0.75, posts: 900 },
      { tier: 'deep', model: DEEP, share: 0.25, posts: 300 },
    ],
    ...changes,
  };
}

export const sampleSystem: SystemStatus = {
  at: new Date(NOON).toISOString(),
  version: '0.1.0',
  started_at: new Date(NOON - 3_600_000).toISOString(),
  mode: 'embedded',
  stages: [
    {
      stage: 'aggregator',
      state: 'running',
      generation: 1,
      restarts: 0,
      handled: 100,
      failed: 0,
      in_flight: 0,
    },
  ],
  stream: { length: 0, lag: 0, pending: 0, dead: 0 },
  redis: { reachable: true },
  postgres: { reachable: true },
  model: SWIFT,
  tiers: sampleTiers(),
  sockets: { open: 1, limit: 100 },
  disk: { free_bytes: 50 * 1024 ** 3, total_bytes: 100 * 1024 ** 3 },
  service_alerts: [],
  service_alert_destinations: 1,
};

const FEEDS: Record<string, string> = {
  metrics: 'metrics',
  message: 'messages',
  alert: 'alerts',
  system: 'system',
};

/** A frame sent `afterMs` after noon. */
export function sampleFrame<Event extends ServerFrame['event']>(
  event: Event,
  data: Extract<ServerFrame, { event: Event }>['data'],
  afterMs = 0,
): ServerFrame {
  const ts = new Date(NOON + afterMs).toISOString();
  const feed = FEEDS[event.split(':')[0] ?? ''] ?? null;
  return { event, feed, id: feed === null ? null : 'e:1', ts, data } as unknown as ServerFrame;
}
