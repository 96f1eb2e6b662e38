/** The responses of `npm run fixture` for topics: kept in memory. Queries are only searched for words. */

const ago = (ms) => new Date(Date.now() - ms).toISOString();
const HOUR_MS = 3_600_000;

let n_made = 0;
const make = (topic, updated_at = ago(0)) => ({
  id: `t${(n_made += 1)}`,
  is_ours: false,
  tracks_churn: false,
  enabled: true,
  created_at: updated_at,
  updated_at,
  updated_by: 'Ana',
  ...topic,
});

let topics = [
  make(
    {
      ...{ name: 'Harbor Pay', kind: 'product', is_ours: true, tracks_churn: true },
      query: '"harbor pay" OR #harborpay OR (harbor NEAR/3 (app OR card) NOT boat)',
    },
    ago(4 * HOUR_MS),
  ),
  make({ name: 'McGregor', kind: 'person', query: 'mcgregor OR conor lang:en' }, ago(HOUR_MS)),
  make({ name: 'Tidal', kind: 'competitor', query: 'raw:Tidal', enabled: false }, ago(9 * HOUR_MS)),
];

/** Only brackets are checked. Positions are in code points. */
function check(query) {
  const characters = [...query];
  const opened = characters.indexOf('(');
  if (opened >= 0 && !characters.includes(')')) {
    const error = {
      span: { from: opened, to: opened + 1 },
      message: 'this bracket is never closed; add `)`',
    };
    return { valid: false, error, hints: [] };
  }
  const found = /(?<=^|\s)(and|or|not)(?=\s|$)/u.exec(query);
  const from = found === null ? 0 : [...query.slice(0, found.index)].length;
  const hints = found === null ? [] : [{ span: { from, to: from + found[0].length }, found }];
  return {
    valid: true,
    canonical: query.trim().replaceAll(/\s+/g, ' '),
    hints: hints.map(({ span, found: [word] }) => ({
      span,
      message: `\`${word}\` is searched as a word; write \`${word.toUpperCase()}\` for the operator`,
    })),
  };
}

function preview(query, posts) {
  const words = query.toLowerCase().match(/\p{L}{3,}/gu) ?? [];
  const matching = posts.filter(({ post }) =>
    words.some((word) => post.text.toLowerCase().includes(word)),
  );
  return {
    from: ago(300_000),
    to: ago(0),
    posts_read: posts.length,
    posts_matched: matching.length,
    ...(posts.length > 0 && { per_day: matching.length * 288 }),
    items: matching.slice(-20).reverse(),
  };
}

/** Returns the response, or null for another path. */
export function answerTopics(url, method, body, posts) {
  const [, , version, what, id] = url.pathname.split('/');
  if (version !== 'v1' || what !== 'topics') return null;
  if (id === 'validate') return check(body.query);
  if (id === 'preview') return preview(body.query, posts);
  if (method === 'GET') return { items: topics, next_cursor: null };
  const before = topics.find((topic) => topic.id === id);
  topics = topics.filter((topic) => topic.id !== id);
  if (method === 'DELETE') return {};
  const made = { ...make(body), ...(before && { id, created_at: before.created_at }) };
  topics = [...topics, made].toSorted((a, b) => a.name.localeCompare(b.name));
  return made;
}
