/** The responses of `npm run fixture` for the work on posts: kept in memory. */

const works = new Map();
const histories = new Map();
let revision = 0;
let queued = [];

const untouched = (post) => ({
  post,
  status: 'open',
  needs_answer: false,
  assignee: null,
  tags: [],
  notes: 0,
  revision: 0,
  updated_at: null,
  updated_by: null,
});

function store(after, moments) {
  const at = new Date().toISOString();
  const work = { ...after, revision: (revision += 1), updated_at: at, updated_by: 'Ana' };
  works.set(work.post, work);
  const known = histories.get(work.post) ?? [];
  histories.set(work.post, [
    ...known,
    ...moments.map((moment) => ({ at, actor: 'Ana', ...moment })),
  ]);
  return work;
}

function change(post, { add_tags = [], remove_tags = [], ...fields }) {
  const before = works.get(post) ?? untouched(post);
  const kept = before.tags.filter((tag) => !remove_tags.includes(tag));
  const after = { ...before, ...fields, tags: [...new Set([...kept, ...add_tags])].toSorted() };
  if (fields.assignee) after.needs_answer = fields.needs_answer ?? true;
  const moments = ['status', 'assignee', 'needs_answer']
    .filter((field) => before[field] !== after[field])
    .map((field) => ({ field, before: `${before[field]}`, after: `${after[field]}` }));
  for (const tag of add_tags) moments.push({ field: 'tag', before: null, after: tag });
  for (const tag of remove_tags) moments.push({ field: 'tag', before: tag, after: null });
  return { post, outcome: 'changed', work: store(after, moments) };
}

/** Puts posts into the queue. */
export function fillQueue(posts) {
  queued = posts.slice(0, 8);
  queued.forEach(({ post }, i) => {
    change(post.uuid, {
      needs_answer: true,
      ...(i % 3 === 1 && { assignee: 'Bob', status: 'in_progress' }),
      ...(i % 2 === 0 && { add_tags: ['refund', 'late delivery'] }),
    });
  });
}

/** Returns the response, or null for another path. */
export function answerWork(url, method, body) {
  const [, , , what, id, verb] = url.pathname.split('/');
  if (what === 'work-queue') {
    if (id === 'names') {
      const tags = ['late delivery', 'refund'].map((name) => ({ name, posts: 4 }));
      return { tags, assignees: [{ name: 'Bob', posts: 3 }] };
    }
    const items = queued.map((scored) => ({ ...scored, work: works.get(scored.post.uuid) }));
    return { items, next_cursor: null };
  }
  if (what !== 'posts') return null;
  if (id === 'work' && method === 'POST') {
    return { items: body.items.map((item) => change(item.post, item.change)) };
  }
  if (id === 'work') {
    const since = Number(url.searchParams.get('since') ?? revision);
    const items = [...works.values()].filter((work) => work.revision > since);
    return { revision, items, has_more: false };
  }
  const work = works.get(id) ?? untouched(id);
  if (verb === 'history') return { work, items: histories.get(id) ?? [] };
  if (verb === 'notes') {
    const note = { field: 'note', before: null, after: body.text };
    return store({ ...work, notes: work.notes + 1 }, [note]);
  }
  return null;
}
