/** A server that wants a token: what a person without it sees, and how the page connects with it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { RealServer } from './support/server.mjs';

const SOON_MS = 30_000;
const TOKEN = 'a-token-for-the-tests-0123456789';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([
    RealServer.start('debug', { GROUNDSWELL_AUTH_TOKEN: TOKEN }),
    openBrowser(),
  ]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a locked server shows its dashboard, which asks for the token, and connects with tickets', async (t) => {
  const { page, close } = await openPage(browser);
  t.after(close);
  const sockets = [];
  page.on('websocket', (socket) => sockets.push(new URL(socket.url())));
  await page.goto(server.url);
  await page.getByRole('heading', { name: 'This server is locked' }).waitFor({ timeout: SOON_MS });
  await page.getByLabel('Access token').fill('a-wrong-token');
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('The server does not know this token.').waitFor();
  await page.getByLabel('Access token').fill(TOKEN);
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
  const { search } = sockets.at(-1);
  assert.match(search, /^\?ticket=./);
  assert.ok(sockets.every(({ href }) => !href.includes(TOKEN)));
  await page.reload();
  await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
  assert.notEqual(sockets.at(-1).search, search, 'a ticket opens one connection');
});

for (const path of ['/explore?window=1h', '/alerts?tab=channels', '/system']) {
  test(`${path} of a locked server asks for the token, and then shows what it leads to`, async (t) => {
    const { page, close } = await openPage(browser);
    t.after(close);
    await page.goto(`${server.url}${path}`);
    await page.getByLabel('Access token').fill(TOKEN);
    await page.getByRole('button', { name: 'Unlock' }).click();
    await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
    await page.getByRole('region').first().waitFor({ timeout: SOON_MS });
    assert.equal(page.url(), `${server.url}${path}`);
  });
}

test('where the browser or a proxy already sends the token, nobody is asked for it', async (t) => {
  const password = Buffer.from(`anybody:${TOKEN}`).toString('base64');
  const { page, close } = await openPage(browser, {
    extraHTTPHeaders: { authorization: `Basic ${password}` },
    serviceWorkers: 'block',
  });
  t.after(close);
  await page.goto(server.url);
  await page.locator('[data-connection="live"]').waitFor({ timeout: SOON_MS });
  assert.equal(await page.getByRole('heading', { name: 'This server is locked' }).count(), 0);
});
