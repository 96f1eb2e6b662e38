/** The responses of `npm run fixture` for sources: kept in memory, in every state. A running one counts on. */

const ago = (ms) => new Date(Date.now() - ms).toISOString();
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Posts that Bluesky offers per second. */
const PER_SECOND = 28;

let n_made = 0;
const make = (source) => ({
  id: `s${(n_made += 1)}`,
  network: 'bluesky',
  settings: {},
  state: 'waiting',
  reason: 'it is starting',
  ...{ offered: 0, stored: 0, rejected: 0, erased: 0 },
  gaps: [],
  has_credentials: false,
  quota: [],
  created_at: ago(0),
  updated_at: ago(0),
  updated_by: 'Ana',
  ...source,
});

/** When a month ends, at which a budget is granted anew. */
const MONTH_END = new Date(
  Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1),
).toISOString();

const gap = (hours, minutes, reason) => ({
  from: ago(hours * HOUR_MS),
  to: ago(hours * HOUR_MS - minutes * MINUTE_MS),
  reason,
});

let sources = [
  make({
    name: 'Bluesky',
    ...{ state: 'running', reason: undefined, offered: 1_284_310, stored: 1_281_002 },
    ...{ rejected: 3_308, erased: 41_207, updated_at: ago(26 * HOUR_MS) },
    gaps: [
      gap(3, 7, 'the host no longer has what follows the cursor'),
      gap(20, 64, 'the host may no longer have had all posts'),
    ],
  }),
  make({
    name: 'Bluesky through our own host',
    settings: { base_url: 'https://jetstream.example.org' },
    ...{ state: 'catching_up', reason: 'newer posts are processed first' },
    ...{ offered: 98_201, stored: 60_114, lag_s: 2_412, last_post_at: ago(3_000) },
  }),
  make({
    name: 'Spare',
    settings: { base_url: 'https://spare.example.org' },
    reason: 'cannot reach the host: connection refused (4 times); next attempt at 12:04:10 UTC',
  }),
  make({
    name: 'Last week',
    ...{ state: 'paused', reason: undefined, offered: 512, stored: 512 },
    ...{ lag_s: 0.6, last_post_at: ago(50 * HOUR_MS), updated_by: undefined },
  }),
  make({
    name: 'X',
    network: 'x',
    settings: { queries: ['nimbrel -is:retweet'], follow_topics: true, usd_per_month: 20 },
    has_credentials: true,
    ...{ state: 'running', reason: undefined, offered: 3_284, stored: 3_284, lag_s: 1.2 },
    cost: { spent_usd: 16.42, projected_usd: 23.1, limit_usd: 20, resets_at: MONTH_END },
  }),
  make({
    name: 'Videos',
    network: 'youtube',
    settings: { queries: ['nimbrel'] },
    has_credentials: true,
    reason: 'the searches that Google grants a day are used up; the next attempt is at 08:00 UTC',
    quota: [
      {
        name: 'search.list',
        used: 100,
        limit: 100,
        projected: 130.2,
        resets_at: ago(-9 * HOUR_MS),
      },
      {
        name: 'units',
        used: 1_204,
        limit: 10_000,
        projected: 2_480.5,
        resets_at: ago(-9 * HOUR_MS),
      },
    ],
  }),
  make({
    name: 'Threads',
    network: 'reddit',
    settings: { subreddits: ['nimbrel', 'sneakers'] },
    has_credentials: true,
    ...{ state: 'running', reason: undefined, offered: 912, stored: 912, erased: 14, lag_s: 6.2 },
    quota: [
      {
        name: 'api/info',
        ...{ used: 9, limit: 200, projected: 21.4, resets_at: ago(-6 * MINUTE_MS) },
      },
      {
        name: 'requests',
        ...{ used: 57, limit: 1_000, projected: 141.2, resets_at: ago(-6 * MINUTE_MS) },
      },
    ],
  }),
  make({ name: 'Desk', network: 'webhook', state: 'running', reason: undefined, stored: 41 }),
  make({ name: 'Locked', state: 'needs_key', reason: 'the host answers 401 Unauthorized' }),
].toSorted((a, b) => a.name.localeCompare(b.name));

/** What the source that follows topics asks for. */
const QUERIES = {
  queries: [
    { query: 'nimbrel -is:retweet', is_own: true, topics: [] },
    {
      query: 'nimbrel OR (vexa (lang:en OR lang:und))',
      is_own: false,
      topics: ['Nimbrel', 'Vexa'],
    },
  ],
  left_out: [
    {
      ...{ topic: 'Nimbrel', part: 'NOT job', effect: 'wider' },
      reason: 'X would exclude other posts, too',
    },
    {
      ...{ topic: 'Orlo', part: 'orlo OR orlos*', effect: 'missing' },
      reason: '`orlos*`: X cannot search for the beginnings of words',
    },
  ],
  notes: ['X finds whole words, but not those within longer hashtags'],
};

const isHearing = ({ state }) => state === 'running' || state === 'catching_up';

let countedAt = Date.now();
/** Adds the posts since the last call. */
function count() {
  const n = Math.round(((Date.now() - countedAt) / 1_000) * PER_SECOND);
  countedAt = Date.now();
  for (const source of sources.filter(isHearing)) {
    source.offered += n;
    source.stored += n;
    source.lag_s = source.state === 'running' ? 0.4 : source.lag_s;
    source.last_post_at = ago(0);
  }
}

function act(source, action, body) {
  const isReachable = source.settings.base_url === undefined;
  if (action === 'test') {
    return isReachable
      ? { state: 'running', message: 'posts can be heard, without a key (Jetstream version 2)' }
      : { state: 'waiting', message: 'cannot reach the host: connection refused' };
  }
  if (action === 'pause') Object.assign(source, { state: 'paused', reason: undefined });
  if (action === 'resume') Object.assign(source, { state: 'running', reason: undefined });
  if (action === 'backfill') {
    Object.assign(source, { state: 'catching_up', lag_s: body.hours * 3_600, reason: undefined });
  }
  source.updated_at = ago(0);
  return source;
}

/** Returns the response, or null for another path. */
export function answerSources(url, method, body) {
  const [, , version, what, id, action] = url.pathname.split('/');
  if (version !== 'v1' || what !== 'sources') return null;
  count();
  if (action === 'queries') return QUERIES;
  if (method === 'GET') return { items: sources, next_cursor: null };
  const before = sources.find((source) => source.id === id);
  if (action !== undefined) return before ? act(before, action, body) : null;
  if (method === 'DELETE') {
    sources = sources.filter((source) => source.id !== id);
    return {};
  }
  const taken = sources.find((source) => source.name === body.name);
  if (taken && taken !== before) {
    return { error: { code: 'name_taken', message: 'another source has this name' } };
  }
  const made = before ? Object.assign(before, body, { updated_at: ago(0) }) : make(body);
  sources = [...sources.filter((source) => source !== made), made].toSorted((a, b) =>
    a.name.localeCompare(b.name),
  );
  return made;
}
