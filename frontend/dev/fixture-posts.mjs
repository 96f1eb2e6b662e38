/** Synthetic posts and tallies for `npm run fixture`; not part of the dashboard. */

const CITIES = [
  ['London', 'GB', 51.51, -0.13, 9],
  ['Dublin', 'IE', 53.35, -6.26, 7],
  ['New York', 'US', 40.71, -74.01, 9],
  ['Los Angeles', 'US', 34.05, -118.24, 7],
  ['Las Vegas', 'US', 36.17, -115.14, 8],
  ['Chicago', 'US', 41.88, -87.63, 4],
  ['Toronto', 'CA', 43.65, -79.38, 4],
  ['Mexico City', 'MX', 19.43, -99.13, 3],
  ['São Paulo', 'BR', -23.55, -46.63, 4],
  ['Lagos', 'NG', 6.52, 3.38, 4],
  ['Nairobi', 'KE', -1.29, 36.82, 2],
  ['Johannesburg', 'ZA', -26.2, 28.05, 3],
  ['Paris', 'FR', 48.86, 2.35, 4],
  ['Berlin', 'DE', 52.52, 13.4, 3],
  ['Madrid', 'ES', 40.42, -3.7, 3],
  ['Istanbul', 'TR', 41.01, 28.98, 2],
  ['Mumbai', 'IN', 19.08, 72.88, 5],
  ['Delhi', 'IN', 28.61, 77.21, 4],
  ['Singapore', 'SG', 1.35, 103.82, 3],
  ['Manila', 'PH', 14.6, 120.98, 4],
  ['Tokyo', 'JP', 35.68, 139.69, 3],
  ['Sydney', 'AU', -33.87, 151.21, 4],
  ['', '', null, null, 26],
];
const CHANNELS = [
  ['app', 5, 0.1],
  ['support', 5, -0.35],
  ['store', 3, 0.25],
  ['email', 3, -0.1],
  ['forum', 2, 0.05],
  ['phone', 2, -0.5],
  ['', 8, 0],
];
const PRODUCTS = [
  ['Mayweather', 9, 0.05],
  ['McGregor', 8, 0.2],
  ['Tide Card', 3, -0.3],
  ['Swell App', 4, 0.15],
  ['Harbor Pay', 2, -0.5],
  ['', 4, 0],
];
const PLATFORMS = [
  ['twitter', 8],
  ['reddit', 3],
  ['appstore', 2],
  ['web', 1],
];
const TEXTS = {
  positive: [
    'What a round. Unreal speed, best night of boxing in years!',
    'The new app update is so smooth, thank you',
    'Support solved it in two minutes. Impressed.',
    'Tonight was worth every cent 🔥',
    'He came out swinging and I am here for it',
  ],
  neutral: [
    'Main card starts at 9 pm local time',
    'Anyone know when the weigh-in is?',
    'Watching from the sofa with half the neighbourhood',
    'Round 4 coming up',
    'Does the card work abroad?',
  ],
  negative: [
    'Stream keeps freezing, I paid 100 dollars for this?!',
    'Third time my payment fails this week. I am cancelling.',
    'Worst judging I have seen in a decade',
    'Nobody answers on the phone line, forty minutes now',
    'If this is not fixed by Monday I am moving to another bank',
  ],
};
const EMOTIONS = {
  positive: ['joy', 'joy', 'surprise'],
  neutral: ['neutral', 'neutral', 'surprise'],
  negative: ['anger', 'sadness', 'disgust', 'fear', 'anger'],
};
export const SWIFT = { name: 'swift', version: '2', hash: '3f9a2c7e51d0b8a4' };
export const DEEP = { name: 'deep', version: '1', hash: 'c41b07d29e6680f3' };
const NAMES = ['joy', 'surprise', 'neutral', 'sadness', 'fear', 'disgust', 'anger'];

let seed = 7;
function random() {
  seed = (seed * 1664525 + 1013904223) % 4294967296;
  return seed / 4294967296;
}

function pick(choices, weightAt) {
  let left = random() * choices.reduce((sum, choice) => sum + (choice[weightAt] ?? 1), 0);
  return choices.find((choice) => (left -= choice[weightAt] ?? 1) <= 0) ?? choices[0];
}

let n = 0;
export function makePost(now) {
  n += 1;
  const [city, country, lat, lon] = pick(CITIES, 4);
  const [channel, , channelMood] = pick(CHANNELS, 1);
  const [product, , productMood] = pick(PRODUCTS, 1);
  const [platform] = pick(PLATFORMS, 1);
  const tide = 0.25 * Math.sin(now / 23_000) + (lat ?? 0) / 400;
  const mood = channelMood + productMood + tide + (random() + random() - 1) * 1.3;
  const label = mood > 0.25 ? 'positive' : mood < -0.25 ? 'negative' : 'neutral';
  const emotion = EMOTIONS[label][Math.floor(random() * EMOTIONS[label].length)];
  const source = random() < 0.82 ? 'replay' : random() < 0.9 ? 'synthetic' : 'http';
  const text = TEXTS[label][Math.floor(random() * TEXTS[label].length)];
  const churn = Math.max(0, Math.min(1, 0.25 - mood * 0.35 + (random() - 0.5) * 0.3));
  const at = new Date(now).toISOString();
  return {
    post: {
      uuid: `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`,
      id: String(n),
      platform,
      text,
      author: { handle: `fan_${n % 997}`, followers: 120 },
      lang: 'en',
      created_at: at,
      received_at: at,
      source,
      city: city || null,
      country: country || null,
      lat,
      lon,
      products: product ? [product] : [],
      channel: channel || null,
      url: null,
      reach: 120,
    },
    score: {
      sentiment: sentimentOf(label, Math.max(-0.99, Math.min(0.99, mood))),
      emotion: {
        label: emotion,
        scores: Object.fromEntries(NAMES.map((name) => [name, name === emotion ? 0.7 : 0.05])),
      },
      toxicity: label === 'negative' ? random() : random() * 0.2,
      churn_risk: churn,
      virality: Math.round(random() * 60),
      model: SWIFT,
    },
  };
}

function sentimentOf(label, score) {
  const confidence = 0.36 + random() * 0.6;
  return { label, score, confidence, uncertain: confidence < 0.5 };
}

/** Returns the deep model's score; every third one changes the label. */
export function correct({ sentiment, ...score }) {
  const labels = ['positive', 'neutral', 'negative'];
  const label =
    random() < 0.33 ? labels[(labels.indexOf(sentiment.label) + 1) % 3] : sentiment.label;
  const sign = { positive: 1, neutral: 0.1, negative: -1 }[label];
  return { ...score, sentiment: sentimentOf(label, sign * (0.3 + random() * 0.6)), model: DEEP };
}

function emptyTally() {
  return {
    count: 0,
    positive: 0,
    neutral: 0,
    negative: 0,
    sum: 0,
    churn: 0,
    high: 0,
    toxicity: 0,
    emotions: Object.fromEntries(NAMES.map((name) => [name, 0])),
  };
}

function add(tally, { score }) {
  tally.count += 1;
  tally[score.sentiment.label] += 1;
  tally.sum += score.sentiment.score;
  tally.churn += score.churn_risk;
  tally.high += score.churn_risk >= 0.8 ? 1 : 0;
  tally.toxicity += score.toxicity;
  tally.emotions[score.emotion.label] += 1;
}

function close(tally) {
  const mean = (sum) => (tally.count > 0 ? sum / tally.count : null);
  return {
    count: tally.count,
    sentiment: {
      average: mean(tally.sum),
      positive: tally.positive,
      neutral: tally.neutral,
      negative: tally.negative,
    },
    churn: { average: mean(tally.churn), high: tally.high },
    toxicity: { average: mean(tally.toxicity) },
    emotions: tally.emotions,
    late: Math.round(tally.count / 400),
    revision: tally.count,
  };
}

/** The figures of `posts` (oldest first) for the `seconds` before `now`. */
export function summarize(posts, { now, seconds, stepSeconds, trendSeconds }) {
  const overall = emptyTally();
  const groups = {
    geo: new Map(),
    products: new Map(),
    channels: new Map(),
    platforms: new Map(),
    sources: new Map(),
  };
  const steps = new Map();
  const first = Math.floor((now - trendSeconds * 1000) / (stepSeconds * 1000)) + 1;
  const last = Math.floor(now / (stepSeconds * 1000));
  for (let step = first; step <= last; step += 1) steps.set(step, emptyTally());
  const into = (group, key, scored) => {
    if (!group.has(key))
      group.set(key, Object.assign(emptyTally(), { lat: scored.post.lat, lon: scored.post.lon }));
    add(group.get(key), scored);
  };
  for (const scored of posts) {
    const at = Date.parse(scored.post.created_at);
    const step = steps.get(Math.floor(at / (stepSeconds * 1000)));
    if (step) add(step, scored);
    if (at < now - seconds * 1000) continue;
    add(overall, scored);
    into(groups.geo, scored.post.city ?? '', scored);
    for (const product of scored.post.products.length ? scored.post.products : [''])
      into(groups.products, product, scored);
    into(groups.channels, scored.post.channel ?? '', scored);
    into(groups.platforms, scored.post.platform, scored);
    into(groups.sources, scored.post.source, scored);
  }
  const items = (group) => [...group].map(([key, tally]) => ({ key, ...close(tally) }));
  return {
    window: {
      from: new Date(now - seconds * 1000).toISOString(),
      to: new Date(now).toISOString(),
      seconds,
    },
    overall: close(overall),
    geo: [...groups.geo].map(([key, tally]) => ({
      key,
      lat: tally.lat,
      lon: tally.lon,
      ...close(tally),
    })),
    products: items(groups.products),
    channels: items(groups.channels),
    platforms: items(groups.platforms),
    sources: [...groups.sources].map(([key, { count }]) => ({ key, count })),
    rate: { posts_per_second: overall.count / seconds, feed_share: 1 },
    trend: {
      step_seconds: stepSeconds,
      items: [...steps].map(([step, tally]) => ({
        from: new Date(step * stepSeconds * 1000).toISOString(),
        seconds: Math.min(stepSeconds, now / 1000 - step * stepSeconds),
        complete: (step + 1) * stepSeconds * 1000 <= now - 1000,
        ...close(tally),
      })),
      peaks: [],
    },
  };
}
