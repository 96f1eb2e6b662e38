/** A server with accounts: the first one, signing in and out, a viewer's dashboard, and a session that ends. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until, untilEqual } from './support/until.mjs';

const PASSWORD = 'four unrelated words';
const ADMIN = { email: 'ana@example.com', password: PASSWORD };
const VIEWER = { email: 'vera@example.com', password: 'four other short words' };

let server;
let browser;
let setUpCode;
/** The cookies of the admin. */
let admin;

before(async () => {
  [server, browser] = await startAll(RealServer.start('debug'), openBrowser());
  setUpCode = await until('the code in the log', () => server.setUpCode());
  // Posts and alerts, so that the pages have something to offer.
  await server.post(
    Array.from({ length: 20 }, (_, i) => ({
      ...{ id: String(i), platform: 'web', text: `I hate Mayweather, cancelling now ${i}` },
    })),
  );
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens a page of its own browser profile. */
async function open(t, path, options = {}) {
  const opened = await openPage(browser, { serviceWorkers: 'block', ...options });
  t.after(opened.close);
  await opened.page.goto(`${server.url}${path}`);
  return opened;
}

async function enter(page, { email, password }) {
  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Makes a request as somebody whose cookies these are, as the dashboard does. */
async function request(method, path, body, cookies) {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      origin: server.url,
      ...(cookies && { cookie: cookies }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = text === '' ? null : JSON.parse(text);
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  const set = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);
  return { answer, cookies: set.join('; ') };
}

const signIn = async (person) => (await request('POST', '/api/v1/auth/login', person)).cookies;

test('the code from the log creates the first account, whose owner is signed in', async (t) => {
  const { page } = await open(t, '/');
  await page.locator('[data-connection="live"]').waitFor();
  await page.getByRole('button', { name: 'Your name' }).click();
  await page.getByRole('link', { name: 'Create the first account' }).click();
  await page.getByLabel('Code').fill('wrong');
  await page.getByLabel('Email address').fill(ADMIN.email);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('alert').waitFor();
  assert.deepEqual(await runAxe(page), []);
  await page.getByLabel('Code').fill(setUpCode);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.locator('[data-connection="live"]').waitFor();
  await page.getByRole('button', { name: `Account: ${ADMIN.email}` }).waitFor();
  admin = await signIn(ADMIN);
});

test('a stranger is led to the sign-in page, and from there to the page that was asked for', async (t) => {
  const { page } = await open(t, '/alerts?tab=rules');
  await page.waitForURL((url) => url.pathname === '/sign-in');
  assert.equal(new URL(page.url()).searchParams.get('next'), '/alerts?tab=rules');
  assert.deepEqual(await runAxe(page), []);
  await enter(page, { ...ADMIN, password: 'not the right words' });
  await page.getByText('The email address or the password is wrong.').waitFor();
  await enter(page, ADMIN);
  await page.getByRole('list', { name: 'Rules' }).waitFor();
  assert.equal(page.url(), `${server.url}/alerts?tab=rules`);
  await page.locator('[data-connection="live"]').waitFor();
});

test('a link to another site does not lead there after signing in', async (t) => {
  const { page } = await open(t, `/sign-in?next=${encodeURIComponent('//evil.example/')}`);
  await enter(page, ADMIN);
  await page.locator('[data-connection="live"]').waitFor();
  assert.equal(page.url(), `${server.url}/`);
});

test('somebody signs out, and the page asks to sign in again', async (t) => {
  const { page } = await open(t, '/sign-in');
  await enter(page, ADMIN);
  await page.getByRole('button', { name: /^Account: / }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.pathname === '/sign-in');
  await page.goto(`${server.url}/queue`);
  await page.waitForURL((url) => url.pathname === '/sign-in');
});

/** The pages, and what shows that each is ready. */
const PAGES = [
  ['/', (page) => page.getByRole('region', { name: 'Alerts' })],
  ['/explore', (page) => page.getByRole('list', { name: /^Posts, / })],
  ['/queue', (page) => page.getByRole('region', { name: 'Queue' })],
  ...['open', 'history', 'rules', 'silences', 'channels', 'signals'].map((tab) => [
    `/alerts?tab=${tab}`,
    (page) => page.getByRole('tabpanel').getByRole('region').first(),
  ]),
  ['/topics', (page) => page.getByRole('region', { name: 'Topics' })],
  ['/sources', (page) => page.getByRole('region', { name: 'Sources' })],
  ['/reports', (page) => page.getByRole('region', { name: 'Reports' })],
  ['/system', (page) => page.getByRole('region', { name: 'Stages' })],
  ['/account', (page) => page.getByRole('region', { name: 'API keys' })],
];

/** Runs in the page: the first words of what can be pressed. Items of a list differ only after them. */
const kindsOfButtons = () => {
  const buttons = [...document.querySelectorAll('button:enabled')];
  const nameOf = (button) => button.getAttribute('aria-label') ?? button.textContent;
  return [...new Set(buttons.map((button) => nameOf(button).trim().split(/[\s:]/)[0]))];
};

/** Runs in the page: presses the first button whose name begins with this word, and returns whether there was one. */
const pressFirst = (kind) => {
  const buttons = [...document.querySelectorAll('button:enabled')];
  const found = buttons.find((button) =>
    (button.getAttribute('aria-label') ?? button.textContent).trim().startsWith(kind),
  );
  found?.click();
  return found !== undefined;
};

test('a viewer is offered nothing that is refused', async (t) => {
  const invited = await request(
    ...['POST', '/api/v1/invitations', { email: VIEWER.email, role: 'viewer' }, admin],
  );
  const { page, settle } = await open(t, `/invitation#${invited.answer.token}`);
  await page.getByLabel('Password').fill(VIEWER.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.locator('[data-connection="live"]').waitFor();
  const refused = [];
  page.on('response', (response) => {
    if (response.status() === 403) refused.push(`${response.request().method()} ${response.url()}`);
  });
  for (const [path, ready] of PAGES) {
    const visit = async () => {
      await page.goto(`${server.url}${path}`);
      await ready(page).first().waitFor();
      await settle();
    };
    await visit();
    const address = page.url();
    for (const kind of await page.evaluate(kindsOfButtons)) {
      if (/^(Sign|Account|Revoke|Wall)/.test(kind)) continue;
      const pressed = await page.evaluate(pressFirst, kind);
      await settle();
      await page.keyboard.press('Escape');
      if (!pressed || page.url() !== address) await visit();
    }
    assert.deepEqual(refused, [], path);
  }
});

test('a viewer sees no administration, and who asks for it anyway is told why', async (t) => {
  const { page } = await open(t, '/sign-in');
  await enter(page, VIEWER);
  await page.getByRole('button', { name: /^Account: / }).click();
  await page.getByRole('link', { name: 'Account' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Administration' }).count(), 0);
  await page.goto(`${server.url}/admin`);
  await page.getByText('Only admins see this page').waitFor();
});

test('a session that ends elsewhere asks to sign in again, and what was typed stays', async (t) => {
  const { page } = await open(t, '/sign-in?next=%2Fexplore%3Fwindow%3D1h');
  await enter(page, ADMIN);
  await page.getByRole('button', { name: 'Add annotation' }).click();
  await page.getByLabel('What happened').fill('The launch');
  const { answer } = await request('GET', '/api/v1/sessions', undefined, admin);
  const others = answer.items.filter(({ is_current }) => !is_current);
  for (const { id } of others) await request('DELETE', `/api/v1/sessions/${id}`, undefined, admin);
  await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
  assert.deepEqual(await runAxe(page), []);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor({ state: 'detached' });
  await page.locator('[data-connection="live"]').waitFor();
  assert.equal(await page.getByLabel('What happened').inputValue(), 'The launch');
  await page.getByRole('button', { name: 'Save annotation' }).click();
  await page.getByRole('button', { name: /The launch/ }).waitFor();
});

test('an admin makes a viewer an analyst, whose open page then offers more', async (t) => {
  const { page, settle } = await open(t, '/sign-in?next=%2Ftopics');
  await enter(page, VIEWER);
  await page.locator('[data-connection="live"]').waitFor();
  assert.equal(await page.getByRole('button', { name: 'New topic' }).count(), 0);
  const { answer } = await request('GET', '/api/v1/users', undefined, admin);
  const { id } = answer.items.find(({ email }) => email === VIEWER.email);
  await request('PATCH', `/api/v1/users/${id}`, { role: 'analyst' }, admin);
  await until('the new role to count', async () => {
    await page.reload();
    await page.getByRole('region', { name: 'Topics' }).waitFor();
    await settle();
    return (await page.getByRole('button', { name: 'New topic' }).count()) > 0;
  });
  await request('PATCH', `/api/v1/users/${id}`, { role: 'viewer' }, admin);
  // The server ends the connection of somebody who lost a role, and the page asks again who they are.
  await untilEqual('the button to go', 0, () =>
    page.getByRole('button', { name: 'New topic' }).count(),
  );
});
