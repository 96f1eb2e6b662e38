/** Signing in, accounts and administration against the fixture: axe on each page, and what a page does when a session ends. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { startAll } from './support/processes.mjs';

const PASSWORD = 'correct horse';

let browser;
let fixture;

before(async () => {
  [browser, fixture] = await startAll(openBrowser(), startFixture(5));
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

/** Opens a page as somebody with this role; `stranger` for somebody without a session. */
async function openAs(t, role, path, options = {}) {
  const opened = await openPage(browser, { serviceWorkers: 'block', ...options });
  t.after(opened.close);
  await become(opened.page, role);
  await opened.page.goto(`${fixture.url}${path}`);
  return opened;
}

const become = (page, role) =>
  page.context().addCookies([{ name: 'role', value: role, url: fixture.url }]);

async function enter(page, email, password) {
  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

const button = (name) => (page) => page.getByRole('button', { name }).first().click();

const field = (name) => (page) => page.getByLabel(name, { exact: true });

/** Who asks, the path, the element that shows that the page is ready, and elements to click first. */
const PAGES = [
  ['stranger', '/sign-in', field('Password')],
  [
    'stranger',
    '/sign-in',
    (page) => page.getByText('Enter your password.'),
    (page) => page.getByRole('button', { name: 'Sign in', exact: true }).click(),
  ],
  ['stranger', '/forgot-password', field('Email address')],
  ['stranger', '/password-reset#r3s3t', field('New password')],
  ['stranger', '/invitation#1nv1t3', field('Password')],
  ['stranger', '/set-up', (page) => page.getByText('Groundswell is set up')],
  ['admin', '/account', (page) => page.getByRole('button', { name: 'Usage of Shop import' })],
  [
    'admin',
    '/account',
    (page) => page.getByRole('table', { name: /^Calls with/ }),
    button('Usage of Shop import'),
  ],
  ['admin', '/account', (page) => page.getByRole('form', { name: 'Key' }), button('New key')],
  [
    'admin',
    '/account',
    (page) => page.getByRole('form', { name: /^Rotate/ }),
    button('Rotate Shop import'),
  ],
  [
    'admin',
    '/account',
    (page) => page.getByRole('button', { name: 'Sign out', exact: true }),
    button('Account: Ana Müller'),
  ],
  ['admin', '/admin', (page) => page.getByRole('button', { name: 'Edit Ben' })],
  ['admin', '/admin', (page) => page.getByRole('form', { name: 'User' }), button('Edit Ben')],
  [
    'admin',
    '/admin',
    (page) => page.getByText('/password-reset#r3s3t'),
    button('Reset link for Ben'),
  ],
  [
    'admin',
    '/admin?tab=invitations',
    (page) => page.getByRole('form', { name: 'Invitation' }),
    button('Invite'),
  ],
  [
    'admin',
    '/admin?tab=clients',
    (page) => page.getByRole('form', { name: 'Client' }),
    button('New client'),
  ],
  [
    'admin',
    '/admin?tab=audit',
    (page) => page.getByText(/"threshold": 0\.5/),
    (page) => page.getByText('Details').first().click(),
  ],
  ['viewer', '/admin', (page) => page.getByRole('link', { name: 'Go to your account' })],
  ['viewer', '/alerts?tab=signals', (page) => page.getByText('Only admins change these settings.')],
];

const SIZES = { desktop: { width: 1440, height: 1000 }, phone: { width: 390, height: 844 } };

const THEMES = ['light', 'dark'];

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const [i, [role, path, ready, act]] of PAGES.entries()) {
    test(`axe finds nothing on ${path} for ${role} (${i + 1}), ${size}, in both themes`, async (t) => {
      const { page } = await openAs(t, role, path, { viewport, reducedMotion: 'reduce' });
      await act?.(page);
      await ready(page).waitFor();
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        await page.locator(`html[data-theme="${colorScheme}"]`).waitFor({ state: 'attached' });
        assert.deepEqual(await runAxe(page), [], colorScheme);
        const tooWide = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(tooWide <= 0, `the page is ${tooWide} px wider than the screen`);
        if (process.env.ACCOUNT_PICTURES) {
          const name = `${process.env.ACCOUNT_PICTURES}/${i + 1}-${size}-${colorScheme}.png`;
          await page.screenshot({ path: name });
        }
      }
    });
  }
}

test('a stranger is led to the sign-in page, and from there to the page that was asked for', async (t) => {
  const { page } = await openAs(t, 'stranger', '/alerts?tab=rules');
  await page.waitForURL((url) => url.pathname === '/sign-in');
  assert.equal(new URL(page.url()).searchParams.get('next'), '/alerts?tab=rules');
  await enter(page, 'ben@example.com', 'wrong');
  await page.getByText('The email address or the password is wrong.').waitFor();
  await enter(page, 'ben@example.com', PASSWORD);
  await page.getByRole('list', { name: 'Rules' }).waitFor();
  assert.equal(page.url(), `${fixture.url}/alerts?tab=rules`);
  await page.locator('[data-connection="live"]').waitFor();
});

test('somebody signs out', async (t) => {
  const { page } = await openAs(t, 'analyst', '/topics');
  await page.getByRole('button', { name: 'Account: Ben' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.pathname === '/sign-in');
  await page.getByLabel('Password').waitFor();
});

const ended = (page) => page.getByRole('dialog', { name: 'Your session has ended' });

test('when a session ends, the page asks to sign in again, and what was typed stays', async (t) => {
  const { page } = await openAs(t, 'analyst', '/explore?window=1h');
  await page.getByRole('button', { name: 'Add annotation' }).click();
  await page.getByLabel('What happened').fill('The launch');
  await become(page, 'stranger');
  await fixture.closeSockets(4401);
  await ended(page).waitFor();
  assert.deepEqual(await runAxe(page), []);
  assert.equal(await page.getByLabel('Email address').inputValue(), 'ben@example.com');
  await page.keyboard.press('Escape');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await ended(page).waitFor({ state: 'detached' });
  await page.locator('[data-connection="live"]').waitFor();
  assert.equal(page.url(), `${fixture.url}/explore?window=1h`);
  assert.equal(await page.getByLabel('What happened').inputValue(), 'The launch');
});

test('while a session is over, the page does not go on asking', async (t) => {
  const { page } = await openAs(t, 'viewer', '/sign-in');
  await page.clock.install();
  await page.goto(`${fixture.url}/sources`);
  await page.getByRole('list', { name: 'Sources' }).waitFor();
  await become(page, 'stranger');
  // As the server does. A connection that stays open would seem dead once the clock jumps, and be made anew.
  await fixture.closeSockets(4401);
  await ended(page).waitFor();
  await page.getByLabel('Password').waitFor();
  const asked = [];
  page.on('request', (request) => {
    if (request.url().includes('/api/')) asked.push(request.url());
  });
  await page.clock.runFor(60_000);
  assert.deepEqual(asked, []);
});

test('somebody else who signs in does not see what the first one had open', async (t) => {
  const { page } = await openAs(t, 'analyst', '/explore?window=1h');
  await page.getByRole('button', { name: 'Add annotation' }).click();
  await page.getByLabel('What happened').fill('The launch');
  await become(page, 'stranger');
  await fixture.closeSockets(4401);
  await ended(page).waitFor();
  await enter(page, 'ana@example.com', PASSWORD);
  await page.getByRole('button', { name: 'Account: Ana Müller' }).waitFor();
  assert.equal(await page.getByLabel('What happened').count(), 0);
});

test('somebody whose role changes keeps the page, which offers what they may do now', async (t) => {
  const { page } = await openAs(t, 'analyst', '/topics');
  await page.getByRole('button', { name: 'New topic' }).waitFor();
  await become(page, 'viewer');
  await fixture.closeSockets(4401);
  await page.getByRole('button', { name: 'New topic' }).waitFor({ state: 'detached' });
  await page.locator('[data-connection="live"]').waitFor();
});
