/** Names that strangers choose, and the content security policy: real binary, real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until } from './support/until.mjs';

/** What objects have without anyone's doing; a name of a product must neither find nor change it. */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];

const PAGES = [
  '/',
  '/explore',
  '/explore?chart=lines',
  '/queue',
  '/alerts',
  '/topics',
  '/sources',
  '/reports',
  '/system',
  '/design',
];

let server;
let browser;

before(async () => {
  [server, browser] = await startAll(RealServer.start(), openBrowser());
  const posts = NAMES.flatMap((name) =>
    Array.from({ length: 5 }, (_, i) => ({
      ...{ id: `${name}-${i}`, platform: name.toLowerCase(), text: `I hate ${name}` },
      ...{ product: name, channel: name, geo: { city: name, country: 'FR' } },
    })),
  );
  await server.post(posts);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens a page that records the violations of its policy. */
async function open(t, path) {
  const opened = await openPage(browser);
  t.after(opened.close);
  const violations = [];
  await opened.page.exposeFunction('noteViolation', (text) => violations.push(text));
  await opened.page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      globalThis.noteViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  await opened.page.goto(`${server.url}${path}`);
  return { ...opened, violations };
}

test('a product, city or channel named like a property of objects is shown and changes none', async (t) => {
  const { page, problems } = await open(t, '/');
  const before = await page.evaluate(() => Object.getOwnPropertyNames(Object.prototype).length);
  for (const name of NAMES) {
    await page.getByText(name, { exact: true }).first().waitFor({ state: 'attached' });
  }
  // Changes to the window arrive as patches, whose members are these names.
  await server.post([{ id: 'late', platform: 'web', text: 'I love it', product: '__proto__' }]);
  await until('the sixth post', async () =>
    /__proto__\D*6/.test(await page.evaluate(() => document.body.textContent)),
  );
  await page.goto(`${server.url}/explore?chart=lines`);
  await page.getByText('__proto__', { exact: true }).first().waitFor({ state: 'attached' });
  const found = await page.evaluate(() => ({
    names: Object.getOwnPropertyNames(Object.prototype).length,
    visible: Object.keys(Object.prototype),
    isOwn: Object.getPrototypeOf({}) === Object.prototype,
  }));
  assert.deepEqual(found, { names: before, visible: [], isOwn: true });
  assert.deepEqual(problems, []);
});

test('no page violates the content security policy, which allows no inline styles or scripts', async (t) => {
  const { page, violations, problems, settle } = await open(t, '/');
  const response = await page.request.get(server.url);
  assert.doesNotMatch(response.headers()['content-security-policy'], /unsafe/);
  for (const path of PAGES) {
    await page.goto(`${server.url}${path}`);
    await page.getByRole('main').waitFor();
    await settle();
  }
  // Dialogs lock the scrolling of the page, for which their library wants styles of its own.
  await page.goto(`${server.url}/reports`);
  await page.getByRole('button', { name: 'New report' }).click();
  await page.getByRole('dialog').waitFor();
  await settle();
  assert.deepEqual(violations, []);
  assert.deepEqual(problems, []);
  await page.evaluate(() => {
    const style = document.createElement('style');
    style.textContent = 'body { color: red }';
    document.head.append(style);
  });
  await until('the violation', () => violations.length === 1);
  assert.match(violations[0], /^style-src-elem inline/);
});

test('the API documentation loads under a policy of its own', async (t) => {
  const { page, problems } = await open(t, '/docs/');
  await page
    .getByRole('heading', { name: /Groundswell/ })
    .first()
    .waitFor();
  assert.deepEqual(problems, []);
});
