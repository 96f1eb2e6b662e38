/** The responses of `npm run fixture` for Explore, rules, silences, channels and dead letters: generated and kept in memory. */
import { makePost, summarize } from './fixture-posts.mjs';

const HOUR_MS = 3_600_000;
const WINDOW_MS = { '1h': 1, '24h': 24, '7d': 168, '30d': 720, '90d': 2160 };
const STEP_MS = { minute: 60_000, hour: HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS };
const ago = (ms) => new Date(Date.now() - ms).toISOString();

/** Fifty posts whose tally is scaled to any number of posts. */
const sample = Array.from({ length: 50 }, (_, i) => makePost(Date.now() - i * 400_000));
const sampleTally = summarize(sample, {
  now: Date.now(),
  seconds: 30_000,
  stepSeconds: 900,
  trendSeconds: 30_000,
}).overall;

/** Scales the tally to `count` posts; `tilt` shifts the sentiment. */
function tally(count, tilt) {
  const negative = Math.round(count * (0.3 + tilt));
  const positive = Math.round(count * (0.42 - tilt));
  return {
    ...sampleTally,
    count,
    sentiment: {
      average: count === 0 ? null : (positive - negative) / count,
      positive,
      negative,
      neutral: count - positive - negative,
    },
    churn: { ...sampleTally.churn, high: Math.round(count * 0.02) },
  };
}

function stretch(query) {
  const to = query.has('to') ? Date.parse(query.get('to')) : Date.now();
  const from = query.has('from')
    ? Date.parse(query.get('from'))
    : to - WINDOW_MS[query.get('window') ?? '24h'] * HOUR_MS;
  return { from, to };
}

function series(query) {
  const { from, to } = stretch(query);
  const hours = (to - from) / HOUR_MS;
  const asked = query.get('step') ?? 'auto';
  const step = asked !== 'auto' ? asked : hours <= 2 ? 'minute' : hours <= 169 ? 'hour' : 'day';
  const steps = (shift) => {
    const items = [];
    for (let at = Math.floor(from / STEP_MS[step]) * STEP_MS[step]; at < to; at += STEP_MS[step]) {
      const phase = (at - shift) / (24 * HOUR_MS);
      const count = Math.round(
        (STEP_MS[step] / 60_000) * (9 + 6 * Math.sin(phase * 6.28) + 3 * Math.sin(phase * 41)),
      );
      items.push({
        from: new Date(at - shift).toISOString(),
        to: new Date(at - shift + STEP_MS[step]).toISOString(),
        seconds: (Math.min(at + STEP_MS[step], Date.now()) - at) / 1000,
        complete: at - shift + STEP_MS[step] <= Date.now(),
        ...tally(count, 0.1 * Math.sin(phase * 17)),
      });
    }
    return items;
  };
  return {
    range: {
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      seconds: (to - from) / 1000,
    },
    tz: query.get('tz') ?? 'UTC',
    step,
    answered_from: query.has('q') || query.has('label') ? 'posts' : 'rollups',
    items: steps(0),
    peaks: peaksOf(steps(0)),
    previous: query.get('compare') === 'previous' ? steps(to - from) : null,
  };
}

/** Marks one completed step. */
function peaksOf(items) {
  const step = items[Math.floor(items.length * 0.6)];
  if (items.length < 12 || !step.complete) return [];
  const { from, to, count } = step;
  const found = { value: count, expected: count / 3, count, deviations: 12 };
  return [{ metric: 'volume', from, to, at: from, ...found }];
}

/** Explains any period in the same way. */
function explanation(query) {
  const { from, to } = stretch(query);
  const window = (start, end) => ({
    from: new Date(start).toISOString(),
    to: new Date(end).toISOString(),
    seconds: (end - start) / 1000,
  });
  const figures = (count, negative) => ({
    count,
    sentiment: { ...tally(count, -0.2).sentiment, negative },
    negative_share: negative / count,
  });
  const range = window(from, to);
  const times = [{ time: range.from }, { text: ' and ' }, { time: range.to }];
  const rise = ', up from 212 before; 71% of them about Tide Card (6% before).';
  return {
    range,
    complete: true,
    compared_with: window(2 * from - to, from),
    answered_from: 'rollups',
    sample: null,
    now: figures(1_840, 1_250),
    before: figures(212, 44),
    change: { count: 1_628, sentiment: -0.4, negative_share: 0.47 },
    sentences: [
      {
        text: `1,840 posts between ${range.from} and ${range.to}${rise}`,
        parts: [{ text: '1,840 posts between ' }, ...times, { text: rise }],
      },
      ...['62% are near copies of one post; “recall” appears in 41%, before in 2%.'].map(
        (text) => ({ text, parts: [{ text }] }),
      ),
    ],
    read: { posts: 1_840, of: 1_840, sampled: false, error: 0 },
    read_before: { posts: 212, of: 212, sampled: false, error: 0 },
    terms: [
      { term: 'recall', count: 754, share: 0.41, previous_share: 0.02, deviations: 14 },
      { term: 'card declined', count: 320, share: 0.17, previous_share: 0.01, deviations: 9 },
    ],
    clusters: [
      {
        posts: 1_141,
        share: 0.62,
        authors: 903,
        example: {
          uuid: '01930000-0000-7000-8000-0000000000ff',
          created_at: range.from,
          platform: 'twitter',
          text: 'We are recalling all Tide Cards issued since May because they can be declined abroad',
          lang: 'en',
          author: 'harborwatch',
          followers: 1_240_000,
        },
        phrase: 'recalling all tide cards issued',
        phrase_posts: 1_141,
      },
    ],
    distinct_texts: 700,
    authors: {
      distinct: 1_502,
      unknown: 3,
      share: 0.08,
      items: KEYS.author.map((author, i) => ({
        author,
        posts: 60 - i * 12,
        share: (60 - i * 12) / 1_840,
        reach: 1_240_000 / (i + 1),
      })),
    },
    contributions: [
      {
        by: 'product',
        key: 'Tide Card',
        count: 1_306,
        share: 0.71,
        previous_count: 13,
        change: 1_293,
      },
      { by: 'platform', key: 'reddit', count: 12, share: 0.01, previous_count: 40, change: -28 },
    ],
  };
}

const KEYS = {
  product: ['Mayweather', 'McGregor', 'Swell App', 'Tide Card', 'Harbor Pay', ''],
  platform: ['twitter', 'reddit', 'appstore', 'web'],
  channel: ['app', 'support', 'store', 'email', ''],
  city: ['London', 'New York', 'Las Vegas', 'Dublin', 'Lagos', 'Mumbai', ''],
  source: ['replay', 'synthetic', 'http'],
  label: ['neutral', 'positive', 'negative'],
  emotion: ['joy', 'neutral', 'anger', 'surprise', 'sadness', 'fear', 'disgust'],
  lang: ['en', 'es', 'pt', 'fr', 'ja', ''],
  author: ['harborwatch', 'tideline', 'northpier', 'swellwatch'],
};

function breakdown(query) {
  const by = query.get('by');
  const counts = KEYS[by].map((key, i) => [key, Math.round(9_000 / (i + 1.4))]);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const { range } = series(query);
  const items = counts.map(([key, count], i) => ({
    key,
    count,
    share: count / total,
    previous_count:
      query.get('compare') === 'previous' ? Math.round(count * (0.7 + i * 0.13)) : null,
    sentiment: by === 'label' ? null : tally(count, 0.05 * i - 0.1).sentiment,
  }));
  return { range, by, answered_from: 'rollups', items };
}

/** The breakdown over time: each key has its share of every step. */
function lines(query) {
  const { items: steps, ...about } = series(query);
  const { by, items } = breakdown(query);
  const pointsOf = (share) =>
    steps.map(({ count, sentiment }) => ({ count: Math.round(count * share), sentiment }));
  return {
    ...about,
    by,
    steps,
    items: items
      .slice(0, 5)
      .map(({ key, count, share }) => ({ key, count, points: pointsOf(share) })),
    other: items.length > 5 ? pointsOf(0.1) : null,
  };
}

const kept = { annotations: [], views: [], rules: [], silences: [], channels: [] };
let settings = { sensitivity: 'balanced', minimum_volume: 30 };
let n_made = 0;

const RULE = {
  enabled: true,
  builtin: true,
  metric: 'negative_share',
  scope: { dimension: 'product', key: null },
  window_seconds: 300,
  comparison: 'above',
  threshold: 0.5,
  clear_threshold: 0.45,
  minimum_volume: 30,
  for_seconds: 0,
  keep_firing_seconds: 60,
  cooldown_seconds: 900,
  severity: 'warning',
  channels: [],
};
kept.rules.push(
  {
    ...RULE,
    id: 'r1',
    name: 'Negative posts outnumber the rest',
    created_at: ago(9e8),
    updated_at: ago(9e8),
  },
  {
    ...RULE,
    id: 'r2',
    name: 'Posts that suggest churn',
    metric: 'churn_high',
    threshold: 1,
    clear_threshold: 1,
    severity: 'critical',
    created_at: ago(9e8),
    updated_at: ago(9e8),
  },
);
kept.channels.push({
  id: 'c1',
  name: 'On-call webhook',
  kind: 'webhook',
  enabled: true,
  disabled_reason: null,
  settings: { url: 'https://hooks.example.com/groundswell', secret: { set: true } },
  delivery: { mode: 'immediate' },
  minimum_severity: 'warning',
  service_alerts: false,
  created_at: ago(8e8),
  last_success_at: ago(4e6),
  failing_since: null,
});
const notifications = ['sent', 'dead'].map((state, i) => ({
  id: `n${i}`,
  channel: 'c1',
  alert: 'a1',
  event: i === 0 ? 'fired' : 'resolved',
  state,
  attempts: [
    {
      at: ago(4e6),
      status: i === 0 ? 204 : 503,
      error: i === 0 ? null : 'the receiver answered 503',
      duration_ms: 84,
    },
  ],
  next_attempt_at: null,
  created_at: ago(4e6),
}));

const letters = Array.from({ length: 3 }, (_, i) => ({
  id: `17-${i}`,
  reason: 'the text could not be stored: invalid byte sequence',
  attempts: 3,
  original_id: `16-${i}`,
  died_at: ago(HOUR_MS * (i + 1)),
  source: 'http',
  received_at: ago(HOUR_MS * (i + 1)),
  post: `{"id":"${i}","platform":"web","text":"a post that nothing could be done with"}`,
}));

/** The number of dead letters not yet replayed. */
export const n_dead = () => letters.length;

/** A REST collection in memory. */
function resource(name, { method, id, body }) {
  const list = kept[name];
  const at = list.findIndex((item) => item.id === id);
  const now = new Date().toISOString();
  if (method === 'POST') {
    const made = { created_at: now, updated_at: now, ...body, id: `${name}-${(n_made += 1)}` };
    list.push(made);
    return made;
  }
  if (method === 'PUT') {
    const put = { ...list[at], ...body, id, updated_at: now };
    // Putting a deleted item restores it.
    list.splice(at < 0 ? list.length : at, 1, put);
    return put;
  }
  if (method === 'DELETE') return list.splice(at, 1)[0];
  return id === undefined ? { items: list } : list[at];
}

/** Returns the response, or null for another path. */
export function answerPages(url, method, body) {
  const query = url.searchParams;
  const [, , version, what, id, verb] = url.pathname.split('/');
  if (version !== 'v1') return null;
  switch (what) {
    case 'explore':
      if (id === 'explain') return explanation(query);
      if (id === 'lines') return lines(query);
      return id === 'series' ? series(query) : breakdown(query);
    case 'annotations':
      return resource('annotations', { method, id, body });
    case 'views':
      return resource('views', { method, id, body });
    case 'alert-rules':
      if (id === 'preview') {
        const items = Array.from({ length: 40 }, (_, i) => ({
          at: ago((40 - i) * 2_160_000),
          value: 0.2 + 0.05 * Math.sin(i / 6) + (i < 31 ? 0 : (i - 30) * 0.05),
          count: 40 + i,
        }));
        const peak = items.slice(36);
        return {
          series: items,
          firings: [{ from: peak[0].at, to: peak.at(-1).at }],
          seconds: 86400,
        };
      }
      return resource('rules', { method, id, body: { builtin: false, ...body } });
    case 'silences': {
      const starts_at = new Date().toISOString();
      return resource('silences', { method, id, body: body && { starts_at, ...body } });
    }
    case 'signal-settings':
      return (settings = method === 'PUT' ? body : settings);
    case 'notifications':
      return {
        items: notifications.filter(
          ({ state, channel }) =>
            (query.get('state') ?? state) === state &&
            (query.get('channel') ?? channel) === channel,
        ),
        next_cursor: null,
      };
    case 'notification-channels':
      if (verb === 'test') return { delivered: true, status: 204, error: null, duration_ms: 61 };
      if (verb === 'rotate-secret') return { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' };
      return resource('channels', {
        method,
        id,
        body: { ...body, enabled: body?.enabled ?? true },
      });
    case 'dead-letters':
      if (id === 'replay') return { replayed: letters.splice(0).length };
      return { items: letters, next_cursor: null };
    case 'posts':
      if (verb === 'label') return { post: id, label: body?.label ?? null };
      return null;
    default:
      return null;
  }
}
