/** The dashboard as an app: size, installation and service worker. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fromElsewhere, openBrowser, openInstalled, openPage } from './support/browser.mjs';
import { startFixture } from './support/fixture.mjs';
import { startAll } from './support/processes.mjs';
import { until, untilEqual } from './support/until.mjs';

const BUDGET_KB = 200;

let browser;
let fixture;

before(async () => {
  [browser, fixture] = await startAll(openBrowser(), startFixture(20));
});

after(async () => {
  await browser?.close();
  fixture?.stop();
});

/** Opens a page controlled by the service worker. */
async function openControlled(t, url = fixture.url) {
  const opened = await openPage(browser);
  t.after(opened.close);
  await opened.page.goto(url);
  await opened.page.evaluate(() => navigator.serviceWorker.ready);
  await opened.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  return opened;
}

test(`the first visit to Live loads at most ${BUDGET_KB} KB of script`, async (t) => {
  const { page, close } = await openPage(browser, { serviceWorkers: 'block' });
  t.after(close);
  const scripts = new Map();
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.endsWith('.js')) scripts.set(pathname, response);
  });
  await page.goto(fixture.url);
  await page.locator('[data-chart-ready="true"]').nth(4).waitFor();
  await page.getByRole('list', { name: 'Trending terms, fastest growth first' }).waitFor();
  await page.waitForLoadState('load');
  const bodies = await Promise.all([...scripts.values()].map((response) => response.body()));
  const total = bodies.reduce((sum, body) => sum + gzipSync(body).length / 1024, 0);
  t.diagnostic(`${bodies.length} scripts, ${total.toFixed(1)} KB gzipped`);
  assert.ok(bodies.length > 2, 'scripts were seen');
  assert.ok(total <= BUDGET_KB, `${total.toFixed(1)} KB`);
});

test('the manifest and the service worker make the dashboard installable', async (t) => {
  const profile = await mkdtemp(join(tmpdir(), 'gs-app-'));
  // Apps can only be installed from a persistent profile.
  const context = await openInstalled(profile);
  t.after(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  });
  const [page] = context.pages();
  await page.goto(fixture.url);
  await page.evaluate(() => navigator.serviceWorker.ready);
  const session = await context.newCDPSession(page);
  const { data, errors } = await session.send('Page.getAppManifest');
  assert.deepEqual(errors, []);
  const { icons, display } = JSON.parse(data);
  assert.equal(display, 'standalone');
  assert.ok(icons.some(({ sizes, purpose }) => sizes === '512x512' && purpose === 'maskable'));
  for (const { src, sizes, type } of icons.filter(({ type }) => type === 'image/png')) {
    const answer = await fetch(`${fixture.url}${src}`);
    assert.equal(answer.headers.get('content-type'), type);
    const header = Buffer.from(await answer.arrayBuffer());
    assert.equal(`${header.readUInt32BE(16)}x${header.readUInt32BE(20)}`, sizes, src);
  }
  await untilEqual('the app to be installable', [], async () => {
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    return installabilityErrors;
  });
});

test('offline, the app opens and says so without showing cached figures', async (t) => {
  const { page } = await openControlled(t, fromElsewhere(fixture.url));
  await page
    .getByText(/sampled|every post/)
    .first()
    .waitFor();
  await page.context().setOffline(true);
  await page.reload();
  await page.getByText('This device is offline').first().waitFor({ state: 'attached' });
  await page.getByText('Waiting for the first figures').waitFor();
  assert.equal(await page.getByRole('list', { name: 'Posts, newest first' }).count(), 0);
  await page.context().setOffline(false);
  await page.locator('[data-connection="live"]').waitFor();
});

test("the service worker caches the dashboard's files but no API responses", async (t) => {
  const { page } = await openControlled(t);
  await page.goto(`${fixture.url}/alerts`);
  await page.getByRole('link', { name: 'System' }).first().click();
  await page.getByRole('table', { name: 'Pipeline stages' }).waitFor();
  const kept = await page.evaluate(async () => {
    const names = await caches.keys();
    const caches_ = await Promise.all(names.map((name) => caches.open(name)));
    const requests = (await Promise.all(caches_.map((cache) => cache.keys()))).flat();
    return { names, paths: requests.map(({ url }) => new URL(url).pathname) };
  });
  assert.equal(kept.names.length, 1);
  assert.ok(kept.paths.includes('/'));
  const isFile = (path) => path === '/' || /^\/(assets|icons)\/|\.(js|svg|webmanifest)$/.test(path);
  assert.deepEqual(
    kept.paths.filter((path) => !isFile(path)),
    [],
  );
});

test('a newer version waits until the person updates', async (t) => {
  const { page, close } = await openPage(browser);
  t.after(close);
  const context = page.context();
  const worker = await readFile(new URL('../dist/sw.js', import.meta.url), 'utf8');
  // The fixture has only one version, so fake an older one.
  await context.route('**/sw.js', (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      body: worker.replace(/const VERSION = '[^']+'/, "const VERSION = 'older'"),
    }),
  );
  await page.goto(fixture.url);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  const names = () => page.evaluate(() => caches.keys());
  await untilEqual('the older files', ['groundswell-older'], names);
  await context.unroute('**/sw.js');
  await page.reload();
  const change = page.getByRole('button', { name: 'Update' });
  await change.waitFor();
  assert.equal((await names()).length, 2);
  await Promise.all([page.waitForEvent('framenavigated'), change.click()]);
  await until('only the newer files', async () => {
    const [name, ...others] = await names();
    return name !== 'groundswell-older' && others.length === 0;
  });
});

/**
 * Waits until Chromium shows notifications of a worker. The worker learns of the permission, and a new profile starts to
 * list notifications, only some time after the page asks. A push sent earlier is lost, because it is sent only once.
 */
async function showsNotifications(worker) {
  await until('the permission', () =>
    worker.evaluate(() => self.Notification.permission === 'granted'),
  );
  await until('a notification to be shown', () =>
    worker.evaluate(async () => {
      await self.registration.showNotification('A first one', { tag: 'first' });
      return (await self.registration.getNotifications()).length > 0;
    }),
  );
  await until('it to be closed', () =>
    worker.evaluate(async () => {
      const notifications = await self.registration.getNotifications();
      for (const notification of notifications) notification.close();
      return notifications.length === 0;
    }),
  );
}

test('a push notification is replaced by later ones of its alert, and a click opens it', async (t) => {
  const { page } = await openControlled(t);
  await page.context().grantPermissions(['notifications'], { origin: fixture.url });
  const [worker] = page.context().serviceWorkers();
  const push = (message) =>
    worker.evaluate((data) => {
      // eslint-disable-next-line no-undef
      self.dispatchEvent(new PushEvent('push', { data: JSON.stringify(data) }));
    }, message);
  const shown = () =>
    worker.evaluate(async () => {
      const notifications = await self.registration.getNotifications();
      return notifications.map(({ title, body, tag }) => ({ title, body, tag }));
    });
  const alert = { alert: 'a1', event: 'fired', severity: 'critical', url: '/alerts?alert=a1' };
  const first = { ...alert, title: 'Critical: customers are leaving', body: 'I am cancelling' };
  await showsNotifications(worker);
  await push(first);
  const { title, body } = first;
  await untilEqual('the notification', [{ title, body, tag: 'a1' }], shown);
  const later = { ...alert, event: 'resolved', title: 'Resolved: it is over' };
  await push(later);
  await untilEqual('only the later one', [later.title], async () =>
    (await shown()).map((notification) => notification.title),
  );
  await worker.evaluate(async () => {
    const [notification] = await self.registration.getNotifications();
    // eslint-disable-next-line no-undef
    self.dispatchEvent(new NotificationEvent('notificationclick', { notification }));
  });
  await page.waitForURL(`${fixture.url}/alerts?alert=a1`);
});
