/**
 * Accounts, sessions, keys and the audit log of the fake server.
 *
 * The cookie `role` says who asks: `viewer`, `analyst` or `admin` for somebody with an account, `stranger` for somebody whose
 * session has ended. Without it, everyone may do everything, as on a server without accounts. Everybody's password is
 * `correct horse`.
 */
const PASSWORD = 'correct horse';

const SCOPES = {
  viewer: ['read', 'analyze'],
  analyst: ['read', 'ingest', 'write', 'analyze'],
  admin: ['read', 'ingest', 'write', 'analyze', 'admin'],
};

const daysAgo = (days) => new Date(Date.now() - days * 86_400_000).toISOString();

const users = ['admin', 'analyst', 'viewer'].map((role, i) => ({
  id: `u-${role}`,
  email: `${['ana', 'ben', 'cleo'][i]}@example.com`,
  name: ['Ana Müller', 'Ben', null][i],
  plan: ['enterprise', 'pro', 'free'][i],
  role,
  is_active: true,
  created_at: daysAgo(40 - i),
  updated_at: daysAgo(3),
  last_sign_in_at: i === 2 ? null : daysAgo(i),
}));

const invitations = [
  {
    id: 'i-1',
    email: 'dora@example.com',
    role: 'analyst',
    plan: 'pro',
    created_at: daysAgo(1),
    created_by: 'Ana Müller',
    expires_at: daysAgo(-6),
  },
];

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36';
const FIREFOX = 'Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0';

let sessions = [
  { id: 's-1', agent: CHROME, address: '192.0.2.7', created_at: daysAgo(2), is_current: true },
  { id: 's-2', agent: FIREFOX, address: '198.51.100.9', created_at: daysAgo(9), is_current: false },
].map((session) => ({ ...session, user: 'u-admin', last_seen_at: daysAgo(0) }));

const key = (id, changes) => ({
  id,
  owner: 'u-admin',
  scopes: ['ingest'],
  created_at: daysAgo(20),
  created_by: 'Ana Müller',
  expires_at: daysAgo(-70),
  last_used_at: daysAgo(0.01),
  revoked_at: null,
  rotated_from: null,
  ...changes,
});

let keys = [
  key('k-1', { name: 'Shop import' }),
  key('k-2', { name: 'Old export', scopes: ['read'], revoked_at: daysAgo(5), last_used_at: null }),
];

const usage = {
  last_used_at: daysAgo(0.01),
  days: [0, 1, 2].map((day) => ({ day: daysAgo(day).slice(0, 10), n_calls: 1_204 - 310 * day })),
};

const clients = [
  {
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    name: 'Data warehouse',
    role: 'viewer',
    plan: 'pro',
    scopes: ['read'],
    created_at: daysAgo(12),
    created_by: 'Ana Müller',
    last_used_at: daysAgo(0.2),
    previous_secret_expires_at: null,
  },
];

const audit = [
  ['sign_in', 'user', 'u-admin', null, {}],
  [
    'alert_rule_changed',
    'user',
    'u-analyst',
    'r-1',
    { before: { threshold: 0.4 }, after: { threshold: 0.5 } },
  ],
  ['sign_in_failed', 'stranger', null, null, { email: 'ana@example.com' }],
  ['posts_exported', 'api_key', 'k-1', null, { format: 'csv' }],
].map(([action, actor_kind, actor_id, object, payload], i) => ({
  ...{ id: `a-${i}`, action, actor_kind, actor_id, object, payload },
  actor_name: null,
  created_at: daysAgo(i / 10),
  ip_address: '192.0.2.7',
  seq: i === 0 ? null : 40 - i,
}));

function whoIs(role) {
  if (role === undefined) {
    const everything = { role: 'admin', scopes: SCOPES.admin, plan: 'enterprise' };
    return { identity: 'local_operator', user: null, ...everything, sign_in: 'open' };
  }
  const user = users.find((known) => known.role === role);
  const { plan } = user;
  return { identity: 'user', user, role, scopes: SCOPES[role], plan, sign_in: 'required' };
}

const refuse = (status, code, message) => ({ status, body: { error: { code, message } } });
const done = { status: 204, body: null };
const list = (items) => ({ status: 200, body: { items, next_cursor: null } });

/** Answers with a status, a body and the role of the next requests, if it changes; null for other calls. */
export function answerAccounts(url, method, body, role) {
  const path = url.pathname;
  if (!path.startsWith('/api/')) return null;
  const open = answerOpen(`${method} ${path}`, body, role);
  if (open !== null) return open;
  if (role === 'stranger') return refuse(401, 'unauthorized', 'sign in or present a credential');
  return answerKnown(`${method} ${path}`, body, role);
}

/** The calls of those who are not signed in. */
function answerOpen(call, body, role) {
  switch (call) {
    case 'GET /api/v1/auth/state':
      return {
        status: 200,
        body: { setup_required: role === undefined, sign_in_required: role !== undefined },
      };
    case 'POST /api/v1/auth/login': {
      const user = users.find(({ email }) => email === body.email);
      if (user === undefined || body.password !== PASSWORD) {
        return refuse(401, 'wrong_credentials', 'the email address or the password is wrong');
      }
      return { status: 200, body: whoIs(user.role), role: user.role };
    }
    case 'POST /api/v1/auth/logout':
      return { ...done, role: 'stranger' };
    case 'POST /api/v1/auth/setup':
      return { status: 201, body: whoIs('admin'), role: 'admin' };
    case 'POST /api/v1/auth/invitation':
      return { status: 201, body: users[1] };
    case 'POST /api/v1/auth/password-reset':
      return { status: 202, body: null };
    case 'PUT /api/v1/auth/password-reset':
      return done;
    default:
      return null;
  }
}

function answerKnown(call, body, role) {
  if (call === 'GET /api/v1/auth/me') return { status: 200, body: whoIs(role) };
  if (call === 'POST /api/v1/auth/password') return done;
  const [, id] = /^[A-Z]+ \/api\/v1\/[\w-]+\/([\w-]+)/.exec(call) ?? [];
  switch (call.replace(`/${id}`, '/:id')) {
    case 'GET /api/v1/sessions':
      return list(sessions);
    case 'DELETE /api/v1/sessions/:id':
      sessions = sessions.filter((session) => session.id !== id);
      return done;
    case 'GET /api/v1/users':
      return list(role === undefined ? [] : users);
    case 'GET /api/v1/users/:id':
      return { status: 200, body: users.find((user) => user.id === id) ?? null };
    case 'PATCH /api/v1/users/:id':
      return {
        status: 200,
        body: Object.assign(
          users.find((user) => user.id === id),
          body,
        ),
      };
    case 'POST /api/v1/users/:id/sign-out':
      return done;
    case 'POST /api/v1/users/:id/password-reset':
      return {
        status: 201,
        body: { token: 'r3s3t', link: '/password-reset#r3s3t', expires_at: daysAgo(-1) },
      };
    case 'GET /api/v1/invitations':
      return list(invitations);
    case 'POST /api/v1/invitations':
      return {
        status: 201,
        body: {
          ...invitations[0],
          ...body,
          token: '1nv1t3',
          link: '/invitation#1nv1t3',
          mailed: false,
        },
      };
    case 'GET /api/v1/api-keys':
      return list(keys);
    case 'POST /api/v1/api-keys': {
      const made = key(`k-${keys.length + 1}`, { ...body, last_used_at: null });
      keys = [made, ...keys];
      return { status: 201, body: { ...made, key: 'gsk_01890a5dac96774bbcceb302099a8057_s3cr3t' } };
    }
    case 'POST /api/v1/api-keys/:id/rotate':
      return {
        status: 201,
        body: { ...keys[0], key: 'gsk_01890a5dac96774bbcceb302099a8057_s3cr3t' },
      };
    case 'DELETE /api/v1/api-keys/:id':
      keys = keys.map((one) => (one.id === id ? { ...one, revoked_at: daysAgo(0) } : one));
      return done;
    case 'GET /api/v1/api-keys/:id/usage':
      return { status: 200, body: usage };
    case 'GET /api/v1/clients':
      return list(clients);
    case 'POST /api/v1/clients':
      return { status: 201, body: { ...clients[0], ...body, client_secret: 's3cr3t' } };
    case 'GET /api/v1/audit':
      return list(audit);
    default:
      return null;
  }
}
