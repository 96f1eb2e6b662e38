/** The alerts of `npm run fixture`, kept in memory. */
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

const BASE = {
  state: 'open',
  phase: 'firing',
  silenced: false,
  flapping: false,
  inhibited_by: null,
  resolved_at: null,
  acknowledged_at: null,
  assignee: null,
  rule_id: null,
  rule_name: null,
  evidence: null,
  revision: 1,
  comments: 0,
  posts: [],
};

const NEGATIVE = {
  ...BASE,
  rule: 'negativity',
  rule_id: 'r1',
  rule_name: 'Negative posts outnumber the rest',
  metric: 'negative_share',
  severity: 'warning',
  threshold: 0.5,
};

const about = (product) => ({ dimension: 'product', key: product });

/** The history of each alert by its id. */
const histories = new Map();

/** Makes open alerts of every severity and a resolved one. `opening` is the value with which an alert opened. */
export function makeAlerts(posts) {
  const churn = posts.filter(({ score }) => score.churn_risk >= 0.8).slice(-3);
  const negative = posts.filter(({ score }) => score.sentiment.label === 'negative').slice(-3);
  const made = [
    {
      ...BASE,
      id: 'a1',
      rule: 'churn',
      rule_id: 'r2',
      rule_name: 'Posts that suggest churn',
      metric: 'churn_high',
      scope: about('Harbor Pay'),
      severity: 'critical',
      title: '14 posts suggest churn: Harbor Pay',
      opening: 3,
      value: 14,
      threshold: 2,
      count: 14,
      opened_at: ago(1.2),
      updated_at: ago(0.2),
      posts: churn.map(toAlertPost),
    },
    {
      ...NEGATIVE,
      id: 'a2',
      scope: about('Tide Card'),
      title: '58% of 87 posts about Tide Card in 5 minutes are negative',
      opening: 0.52,
      value: 0.58,
      count: 87,
      opened_at: ago(6),
      updated_at: ago(1),
      acknowledged_at: ago(3),
      posts: negative.map(toAlertPost),
    },
    {
      ...NEGATIVE,
      id: 'a4',
      scope: about('Swell App'),
      title: '74% of 31 posts about Swell App in 5 minutes are negative',
      opening: 0.52,
      value: 0.743,
      count: 31,
      opened_at: ago(9),
      updated_at: ago(0.1),
      posts: negative.map(toAlertPost),
    },
    {
      ...BASE,
      id: 'a5',
      rule: 'spike',
      metric: 'volume',
      scope: { dimension: 'city', key: 'Lagos' },
      severity: 'info',
      title: 'Unusually many posts in Lagos',
      opening: 96,
      value: 120,
      threshold: 60,
      count: 120,
      opened_at: ago(14),
      updated_at: ago(1),
    },
    {
      ...NEGATIVE,
      id: 'a3',
      scope: { dimension: 'overall', key: '' },
      state: 'resolved',
      phase: 'resolved',
      title: '47% of 611 posts in 5 minutes are negative',
      opening: 0.51,
      value: 0.47,
      count: 611,
      opened_at: ago(42),
      updated_at: ago(31),
      resolved_at: ago(31),
    },
  ];
  return made.map(({ opening, ...alert }) => {
    const at = Date.parse(alert.opened_at);
    const moments = [
      { at: alert.opened_at, phase: 'firing', value: opening },
      {
        at: new Date(at + 2_000).toISOString(),
        action: 'notified',
        channel: 'On-call webhook',
        value: opening,
      },
    ];
    const { acknowledged_at, resolved_at, value } = alert;
    if (acknowledged_at) moments.push({ at: acknowledged_at, action: 'acknowledged', value });
    if (resolved_at) moments.push({ at: resolved_at, phase: 'resolved', value });
    histories.set(alert.id, moments);
    const measured = {
      opening: { at: alert.opened_at, value: opening, count: alert.count },
      peak: { at: alert.updated_at, value: Math.max(opening, value), count: alert.count },
      latest: { at: alert.updated_at, value, count: alert.count },
    };
    return { ...alert, measured, evidence: evidenceOf(alert, opening) };
  });
}

function toAlertPost({ post, score }) {
  const { uuid, text, platform, source } = post;
  return { uuid, text, platform, source, churn_risk: score.churn_risk };
}

/** An hour that ends with the opening. */
function evidenceOf({ rule, opened_at, threshold }, opening) {
  if (rule === 'churn') return null;
  const start = Date.parse(opened_at) - 3_600_000;
  const series = Array.from({ length: 60 }, (_, i) => {
    const calm = threshold * (0.6 + 0.1 * Math.sin(i / 6) + 0.02 * ((i * 37) % 5));
    const value = i < 56 ? calm : calm + ((opening - calm) * (i - 55)) / 4;
    return {
      at: new Date(start + (i + 1) * 60_000).toISOString(),
      value,
      baseline: threshold * 0.62,
      low: 0,
      high: threshold,
    };
  });
  const terms = [
    { term: 'refund', count: 41, expected: 3.2 },
    { term: 'charged twice', count: 28, expected: 0.7 },
    { term: 'support', count: 19, expected: 6.4 },
  ];
  return { series, terms };
}

/** Returns the response to a call about alerts, or null for another path. */
export function answerAlert(url, method, body, alerts) {
  const [, , , what, id, verb] = url.pathname.split('/');
  if (what !== 'alerts') return null;
  const query = url.searchParams;
  if (id === undefined) {
    const items = alerts.filter(
      ({ state, rule }) =>
        (query.get('state') ?? state) === state && (query.get('rule') ?? rule) === rule,
    );
    return { items, next_cursor: null };
  }
  const alert = alerts.find((known) => known.id === id);
  if (alert === undefined) return null;
  const history = histories.get(id);
  const at = new Date().toISOString();
  const { value } = alert;
  if (verb === 'acknowledge') {
    const undo = method === 'DELETE';
    history.push({ at, action: undo ? 'unacknowledged' : 'acknowledged', value });
    return Object.assign(alert, {
      acknowledged_at: undo ? null : at,
      revision: alert.revision + 1,
    });
  }
  if (verb === 'assignee') {
    const { assignee } = body;
    history.push({ at, action: assignee ? 'assigned' : 'unassigned', assignee, value });
    return Object.assign(alert, { assignee, revision: alert.revision + 1 });
  }
  if (verb === 'comments') {
    const moment = { at, action: 'commented', comment: body.text, value };
    history.push(moment);
    Object.assign(alert, { comments: alert.comments + 1, revision: alert.revision + 1 });
    return moment;
  }
  return { ...alert, history };
}
