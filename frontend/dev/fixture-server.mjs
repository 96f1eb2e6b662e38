/**
 * A fake server for developing the dashboard: `npm run fixture -- --port 8080 --rate 40 --updates 4`.
 *
 * Serves `dist` under the same content security policy. `POST /fixture/close?code=1013` ends every socket that way,
 * `POST /fixture/tiers?state=busy` (or `idle`, `off`, `missing`, `damaged`, `normal`) changes the reported state of the models.
 */
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { answerAccounts } from './fixture-accounts.mjs';
import { answerAlert, makeAlerts } from './fixture-alerts.mjs';
import { answerPages, n_dead } from './fixture-pages.mjs';
import { answerWork, fillQueue } from './fixture-work.mjs';
import { answerSources } from './fixture-sources.mjs';
import { answerTopics } from './fixture-topics.mjs';
import { correct, DEEP, makePost, summarize, SWIFT } from './fixture-posts.mjs';

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const port = option('port', 8080);
const rate = option('rate', 40);
/** Metric updates per second. */
const updates = option('updates', rate > 200 ? 1 : 4);
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const POLICY =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
const WINDOWS = {
  '60s': [60, 10, 60],
  '5m': [300, 10, 300],
  '1h': [3600, 60, 3600],
  '24h': [86400, 900, 86400],
  '7d': [604800, 3600, 604800],
};
const KEPT_MS = 310_000;

/** The deep model's posts per second and delay. */
const DEEP_PER_SECOND = 12;
const CORRECTED_AFTER_MS = 700;

const DAMAGED = {
  code: 'model_refused',
  message:
    'the deep model is left as it was: `weights/deep/model.onnx` is not the file its manifest describes: ' +
    `SHA-256 ${'9d20e5b7'.repeat(8)}, expected ${'c41b07d2'.repeat(8)}`,
};

const WITHOUT_DEEP = {
  off: 'the latency budget is 0',
  missing:
    'model `deep` was not found; looked for `/usr/share/groundswell/weights/deep/manifest.json`',
};

let posts = [];
let tiersState = 'normal';
const CORRECTING = new Set(['normal', 'damaged']);
let deepModel = DEEP;
const history = new Map();
const started_at = new Date().toISOString();
if (rate > 0 && rate <= 200) {
  for (
    let at = Date.now() - KEPT_MS;
    at < Date.now();
    at += 1000 / (rate * (0.75 + 0.35 * Math.sin(at / 31_000)))
  )
    posts.push(makePost(at));
}

const minutesAgo = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
fillQueue(posts);
const alerts = rate === 0 ? [] : makeAlerts(posts);

/** A past restart and an unreachable receiver. */
function errors(window) {
  const [n_steps, minutes] = { '1h': [60, 1], '6h': [72, 5], '24h': [96, 15] }[window];
  const step_ms = minutes * 60_000;
  const newest = Math.floor(Date.now() / step_ms) * step_ms;
  const steps = Array.from({ length: n_steps }, (_, i) => ({
    from: new Date(newest - (n_steps - 1 - i) * step_ms).toISOString(),
    counts: {
      ...(i === n_steps - 20 && { restart: 1, warning: 3 }),
      ...(i >= n_steps - 6 && i % 2 === 0 && { failed_notification: 2, warning: 1 }),
    },
  }));
  const from = steps[0].from;
  return {
    window: { from, to: new Date().toISOString(), seconds: (n_steps * step_ms) / 1_000 },
    step_seconds: minutes * 60,
    steps,
    origins: [{ origin: 'notifier', kind: 'failed_notification', count: 6 }],
    recent: [
      {
        at: minutesAgo(1),
        first_at: minutesAgo(6),
        count: 6,
        kind: 'failed_notification',
        origin: 'notifier',
        message: 'webhook: no answer within 15 seconds',
      },
      {
        at: minutesAgo(20),
        first_at: minutesAgo(20),
        count: 1,
        kind: 'warning',
        origin: 'supervisor',
        message: 'stage died: trend_counter',
      },
    ],
  };
}

function system() {
  const stage = (name) => ({
    stage: name,
    state: 'running',
    generation: 1,
    restarts: 0,
    handled: posts.length,
    failed: 0,
    in_flight: 1,
    last_progress_at: new Date().toISOString(),
  });
  return {
    version: '0.1.0',
    started_at,
    mode: 'embedded',
    stages: ['ingester', 'inference_pool', 'aggregator', 'alerter', 'broadcaster'].map(stage),
    stream: { length: 3, lag: 0, pending: 3, dead: n_dead() },
    model: { ...SWIFT, degraded: null },
    tiers: tiers(),
    sockets: { open: sockets.clients.size, limit: 10000 },
    disk: { free_bytes: 61.2 * 1024 ** 3, total_bytes: 98.3 * 1024 ** 3 },
    service_alerts: [
      {
        id: '6f1c2a9e-0000-8000-8000-000000000000',
        condition: 'dead_letters',
        stage: null,
        severity: 'warning',
        title: 'Some posts could not be processed',
        detail: '2 new dead letters, 2 in total. Replay them on the System page.',
        instance: 'fixture:8080',
        since: minutesAgo(3),
        opened_at: minutesAgo(3),
        resolved_at: null,
      },
    ],
    service_alert_destinations: 1,
    at: new Date().toISOString(),
    redis: { reachable: true },
    postgres: { reachable: true },
  };
}

function tiers() {
  const recent = posts.filter(({ post }) => Date.parse(post.created_at) > Date.now() - 60_000);
  const n = tiersState === 'idle' ? 0 : recent.length;
  const n_deep = CORRECTING.has(tiersState)
    ? recent.filter(({ score }) => score.model.name === 'deep').length
    : 0;
  const without_deep = WITHOUT_DEEP[tiersState];
  const share = n === 0 ? 0 : n_deep / n;
  return {
    budget_ms: without_deep ? 0 : 1000,
    overloaded: tiersState === 'busy',
    awaiting: CORRECTING.has(tiersState) ? 9 : 0,
    deep_per_second: n_deep / 60,
    items: [
      { tier: 'swift', model: SWIFT, share: n === 0 ? 0 : 1 - share, posts: n - n_deep },
      { tier: 'deep', model: deepModel, share, posts: n_deep },
    ].slice(0, without_deep ? 1 : 2),
    without_deep,
  };
}

const TERMS = ['weigh in', 'round 4', '#moneyfight', 'cancelling', 'app update', 'phone line'];

function trends() {
  const to = Date.now();
  const terms = TERMS.map((term, i) => ({
    term,
    count: 420 - 61 * i,
    previous: i === 2 ? 0 : 130 - 12 * i,
    growth: 2.1 - 0.38 * i,
    sentiment: [0.1, 0.34, 0.22, -0.71, 0.4, -0.52][i],
  }));
  return {
    window: {
      from: new Date(to - 300_000).toISOString(),
      to: new Date(to).toISOString(),
      seconds: 300,
    },
    count: 1_900,
    missed: 0,
    terms: rate === 0 ? [] : terms,
    authors: { distinct: 1_184, previous: 1_020, error: 0.016 },
    as_of: new Date(to).toISOString(),
  };
}

function matches({ post }, query) {
  return (
    ['source', 'platform', 'channel', 'city'].every(
      (key) => !query.has(key) || post[key] === query.get(key),
    ) &&
    (!query.has('product') || post.products.includes(query.get('product')))
  );
}

function answer(url, method) {
  const query = url.searchParams;
  const metrics = /^\/api\/metrics\/(\w+)$/.exec(url.pathname)?.[1];
  if (metrics) {
    const [seconds, stepSeconds, trendSeconds] = WINDOWS[query.get('window') ?? '60s'];
    const [from, to] = ['from', 'to'].map((name) => Date.parse(query.get(name) ?? ''));
    const all = summarize(
      posts.filter(
        (scored) => matches(scored, query) && !(Date.parse(scored.post.created_at) >= to),
      ),
      {
        now: Number.isNaN(to) ? Date.now() : to,
        seconds: Number.isNaN(from) ? seconds : (to - from) / 1_000,
        stepSeconds,
        trendSeconds,
      },
    );
    if (metrics === 'overall') return { window: all.window, ...all.overall };
    return metrics === 'trend'
      ? { window: all.window, ...all.trend }
      : { window: all.window, items: all[metrics] };
  }
  if (url.pathname === '/api/v1/posts') {
    const matching = posts.filter((scored) => matches(scored, query));
    const isTop = (query.get('order') ?? 'newest') !== 'newest';
    if (isTop) matching.sort((a, b) => a.score.virality - b.score.virality);
    const items = matching.slice(-Number(query.get('limit') ?? 30)).reverse();
    return { items, next_cursor: null };
  }
  if (url.pathname === '/api/v1/trends') return trends();
  if (url.pathname === '/api/v1/system') return system();
  if (url.pathname === '/api/v1/system/errors') return errors(query.get('window') ?? '1h');
  if (url.pathname === '/api/v1/models/reload' && method === 'POST') {
    if (tiersState === 'damaged') return { error: DAMAGED };
    const before = deepModel;
    deepModel = { name: 'deep', version: '2', hash: '9d20e5b7f1a34c68' };
    return {
      items: [
        { tier: 'swift', before: SWIFT, after: SWIFT },
        { tier: 'deep', before, after: deepModel },
      ],
    };
  }
  if (url.pathname === '/fixture/tiers' && method === 'POST') {
    tiersState = query.get('state') ?? 'normal';
    return {};
  }
  const uuid = /^\/api\/v1\/posts\/([\w-]+)$/.exec(url.pathname)?.[1];
  const asked = uuid && posts.find(({ post }) => post.uuid === uuid);
  if (asked) return { ...asked, ...(history.get(uuid) ?? { history: [] }) };
  if (url.pathname === '/fixture/close' && method === 'POST') {
    for (const client of sockets.clients) client.close(Number(query.get('code') ?? 1001));
    return {};
  }
  return null;
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://fixture');
  response.setHeader('content-security-policy', POLICY);
  const sent = await text(request);
  const asked = sent === '' ? undefined : JSON.parse(sent);
  const [, role] = /\brole=(\w+)/.exec(request.headers.cookie ?? '') ?? [];
  const account = answerAccounts(url, request.method, asked, role);
  if (account !== null) {
    response.writeHead(account.status, {
      'content-type': 'application/json',
      ...(account.role && { 'set-cookie': `role=${account.role}; Path=/` }),
    });
    response.end(account.body === null ? '' : JSON.stringify(account.body));
    return;
  }
  const body =
    answerAlert(url, request.method, asked, alerts) ??
    answerPages(url, request.method, asked) ??
    answerWork(url, request.method, asked) ??
    answerSources(url, request.method, asked) ??
    answerTopics(url, request.method, asked, posts) ??
    answer(url, request.method);
  if (body !== null || url.pathname.startsWith('/api/')) {
    response.writeHead(body === null ? 404 : body.error?.code ? 422 : 200, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(body ?? { error: { code: 'not_found', message: 'no such call' } }));
    return;
  }
  const file = `${dist}${url.pathname}`;
  const path = extname(file) !== '' && existsSync(file) ? file : `${dist}/index.html`;
  response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
  createReadStream(path).pipe(response);
});
const sockets = new WebSocketServer({ server, path: '/ws' });

const epoch = Date.now().toString(36);
const FEEDS = { metrics: 'metrics', message: 'messages', alert: 'alerts', system: 'system' };
let offset = 0;
const frame = (event, data) =>
  JSON.stringify({
    event,
    feed: FEEDS[event.split(':')[0]],
    id: `${epoch}:${(offset += 1)}`,
    ts: new Date().toISOString(),
    data,
  });
const reply = (client, event, data) =>
  client.send(JSON.stringify({ event, feed: null, id: null, ts: new Date().toISOString(), data }));
const send = (text) => sockets.clients.forEach((client) => client.send(text));
const live = () =>
  summarize(posts, { now: Date.now(), seconds: 60, stepSeconds: 10, trendSeconds: 300 });

sockets.on('connection', (client) => {
  client.on('message', (data) => {
    const { op, since } = JSON.parse(String(data));
    if (op === 'ping') reply(client, 'pong', {});
    if (op !== 'subscribe') return;
    // Nothing is stored, so missed frames cannot be recovered.
    const recovered = since === `${epoch}:${offset}`;
    reply(client, 'subscribed', { feeds: [], filter: {}, recovered, since: `${epoch}:${offset}` });
    client.send(frame('metrics:initial', live()));
  });
});

let owed = 0;
let last = Date.now();
setInterval(() => {
  const now = Date.now();
  owed += ((now - last) / 1000) * rate * (0.75 + 0.35 * Math.sin(now / 31_000));
  last = now;
  for (; owed >= 1; owed -= 1) {
    const scored = makePost(now);
    posts.push(scored);
    send(frame('message:new', scored));
    if (Math.random() < DEEP_PER_SECOND / rate)
      setTimeout(() => deepen(scored), CORRECTED_AFTER_MS);
  }
}, 25);

/** Corrects a stored post, as the deep model does. */
function deepen(scored) {
  if (!CORRECTING.has(tiersState)) return;
  const { uuid, received_at } = scored.post;
  history.set(uuid, {
    corrected_at: new Date().toISOString(),
    history: [{ score: scored.score, scored_at: received_at }],
  });
  scored.score = { ...correct(scored.score), model: deepModel };
  send(frame('message:update', scored));
}
let owedUpdates = 0;
let lastUpdate = Date.now();
setInterval(() => {
  const now = Date.now();
  owedUpdates += ((now - lastUpdate) / 1000) * updates;
  lastUpdate = now;
  if (owedUpdates < 1) return;
  const oldest = now - (rate > 200 ? 60_000 : KEPT_MS);
  posts = posts.filter(({ post }) => Date.parse(post.created_at) >= oldest);
  while (history.size > posts.length) history.delete(history.keys().next().value);
  const figures = live();
  for (; owedUpdates >= 1; owedUpdates -= 1) send(frame('metrics:update', figures));
}, 1000 / updates);

server.listen(port, '127.0.0.1', () =>
  console.log(`fixture on http://127.0.0.1:${server.address().port}`),
);
