/** A server with an access token: the token form, and how the page connects. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';

const TOKEN = 'a-token-for-the-tests-0123456789';

let server;
let browser;
let elsewhere;

/** An empty page of another origin. */
async function otherSite() {
  const site = createServer((_, answer) =>
    answer.setHeader('content-type', 'text/html').end('<title>Another site</title>'),
  );
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${site.address().port}`, close: () => site.close() };
}

before(async () => {
  elsewhere = await otherSite();
  const locked = {
    GROUNDSWELL_AUTH_TOKEN: TOKEN,
    GROUNDSWELL_ALLOWED_ORIGINS: elsewhere.url,
  };
  [server, browser] = await startAll(RealServer.start('debug', locked), openBrowser());
});

after(async () => {
  await browser?.close();
  await server?.stop();
  elsewhere?.close();
});

test('a server with a token asks for it in the dashboard, which then connects with tickets', async (t) => {
  const { page, close } = await openPage(browser);
  t.after(close);
  const sockets = [];
  page.on('websocket', (socket) => sockets.push(new URL(socket.url())));
  await page.goto(server.url);
  await page.getByRole('heading', { name: 'Access token required' }).waitFor();
  await page.getByLabel('Access token').fill('a-wrong-token');
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.getByText('This token is not valid.').waitFor();
  await page.getByLabel('Access token').fill(TOKEN);
  await page.getByRole('button', { name: 'Unlock' }).click();
  await page.locator('[data-connection="live"]').waitFor();
  const { search } = sockets.at(-1);
  assert.match(search, /^\?ticket=./);
  assert.ok(sockets.every(({ href }) => !href.includes(TOKEN)));
  await page.reload();
  await page.locator('[data-connection="live"]').waitFor();
  assert.notEqual(sockets.at(-1).search, search, 'a ticket opens one connection');
});

for (const path of ['/explore?window=1h', '/alerts?tab=channels', '/system']) {
  test(`${path} asks for the token and then shows the page`, async (t) => {
    const { page, close } = await openPage(browser);
    t.after(close);
    await page.goto(`${server.url}${path}`);
    await page.getByLabel('Access token').fill(TOKEN);
    await page.getByRole('button', { name: 'Unlock' }).click();
    await page.locator('[data-connection="live"]').waitFor();
    await page.getByRole('region').first().waitFor();
    assert.equal(page.url(), `${server.url}${path}`);
  });
}

test('the dashboard does not ask for a token that the browser or a proxy already sends', async (t) => {
  const password = Buffer.from(`anybody:${TOKEN}`).toString('base64');
  const { page, close } = await openPage(browser, {
    extraHTTPHeaders: { authorization: `Basic ${password}` },
    serviceWorkers: 'block',
  });
  t.after(close);
  await page.goto(server.url);
  await page.locator('[data-connection="live"]').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'Access token required' }).count(), 0);
});

/** Runs in a page: gets a ticket with the token and connects. Returns the first message or the error. */
const listenFrom = async ([url, token]) => {
  const headers = { authorization: `Bearer ${token}` };
  try {
    const answer = await fetch(`${url}/api/v1/live/tickets`, { method: 'POST', headers });
    if (!answer.ok) return `${answer.status} ${(await answer.json()).error.code}`;
    const { ticket } = await answer.json();
    const socket = new window.WebSocket(`${url.replace('http', 'ws')}/ws?ticket=${ticket}`);
    return await new Promise((resolve) => {
      socket.onopen = () => resolve('listening');
      socket.onerror = () => resolve('no socket');
    });
  } catch (error) {
    return error.name;
  }
};

test('only a page of an allowed origin can get a ticket and connect', async (t) => {
  const stranger = await otherSite();
  t.after(stranger.close);
  const { page, close } = await openPage(browser);
  t.after(close);
  await page.goto(elsewhere.url);
  assert.equal(await page.evaluate(listenFrom, [server.url, TOKEN]), 'listening');
  assert.equal(await page.evaluate(listenFrom, [server.url, 'wrong']), '401 unauthorized');
  await page.goto(stranger.url);
  assert.equal(await page.evaluate(listenFrom, [server.url, TOKEN]), 'TypeError');
});
