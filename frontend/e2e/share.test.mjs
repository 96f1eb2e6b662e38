/** Share links: real binary with a token, real browser; with the keyboard, on a phone, in both themes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const TOKEN = 'a-token-for-the-tests-0123456789';
const N_POSTS = 30;

let server;
let browser;

const ask = (path, init = {}) =>
  fetch(`${server.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
  });

before(async () => {
  [server, browser] = await startAll(
    RealServer.start('debug', { GROUNDSWELL_AUTH_TOKEN: TOKEN }),
    openBrowser(),
  );
  const posts = ['Oslo', 'Lyon'].flatMap((city) =>
    Array.from({ length: N_POSTS }, (_, i) => ({
      id: `${city}-${i}`,
      platform: 'web',
      product: 'Harbor Pay',
      geo: { city, country: 'NO' },
      created_at: new Date(Date.now() - i * 60_000).toISOString(),
      text: `Greetings from ${city}, I want a refund ${i}`,
    })),
  );
  await ask('/api/v1/posts', { method: 'POST', body: JSON.stringify(posts) });
  await until('all posts to be stored', async () => {
    const answer = await ask('/api/v1/posts?limit=100');
    return (await answer.json()).items.length === 2 * N_POSTS;
  });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(t, path, options = {}) {
  const opened = await openPage(browser, options);
  t.after(opened.close);
  await opened.page.goto(`${server.url}${path}`);
  return opened;
}

async function share(page, query) {
  const body = { name: 'Oslo today', page, query, expires_in_seconds: 3_600 };
  const answer = await ask('/api/v1/share-links', { method: 'POST', body: JSON.stringify(body) });
  assert.equal(answer.status, 201, await answer.clone().text());
  return (await answer.json()).token;
}

test('a view is shared with the keyboard alone, opened without the token, and revoked', async (t) => {
  const { page } = await open(t, '/explore?city=Oslo');
  await page.getByLabel('Access token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.getByRole('img', { name: /^Volume and sentiment: 30 posts/ }).waitFor();
  await page.getByRole('button', { name: 'Saved views' }).press('Enter');
  await page.getByRole('button', { name: 'Share this view…' }).press('Enter');
  const sheet = page.getByRole('dialog', { name: 'Share' });
  await sheet.getByLabel('Name').fill('Oslo today');
  await page.keyboard.press('Enter');
  const fresh = sheet.getByRole('region', { name: 'New link' });
  await fresh.waitFor();
  const [address] = /http:\S+#share_[\w-]+/.exec(await fresh.innerText());

  const asked = [];
  const holder = await openPage(browser);
  t.after(holder.close);
  holder.page.on('request', (request) => asked.push(request.url()));
  await holder.page.goto(address);
  await holder.page.getByText(/^Shared view, expires /).waitFor();
  await holder.page.getByRole('heading', { name: 'Oslo today' }).waitFor();
  await holder.page.getByRole('img', { name: /^Volume and sentiment: 30 posts/ }).waitFor();
  const posts = holder.page.getByRole('list', { name: 'Posts, newest first' });
  await posts.getByRole('listitem').first().waitFor();
  assert.ok(!(await posts.innerText()).includes('Lyon'));
  assert.ok(asked.length > 3 && asked.every((url) => !url.includes('share_')), asked.join('\n'));
  assert.deepEqual(holder.problems, []);

  await sheet.getByRole('button', { name: 'Revoke Oslo today' }).press('Enter');
  await page.getByRole('button', { name: 'Revoke', exact: true }).last().press('Enter');
  await sheet.getByText('No active links.').waitFor();
  await holder.page.reload();
  await holder.page.getByText('This link is no longer valid').waitFor();
});

test('an incomplete link says so', async (t) => {
  const { page } = await open(t, '/shared');
  await page.getByText('This link is incomplete').waitFor();
});

for (const [kind, query] of [
  ['live', 'window=1h&city=Oslo'],
  ['explore', 'window=24h&city=Oslo&by=city'],
]) {
  for (const colorScheme of ['light', 'dark']) {
    for (const viewport of [
      { width: 1440, height: 1000 },
      { width: 390, height: 844 },
    ]) {
      const size = `${viewport.width} px, ${colorScheme}`;
      test(`axe finds nothing on a shared ${kind} view, ${size}`, async (t) => {
        const token = await share(kind, query);
        const { page } = await open(t, `/shared#${token}`, { colorScheme, viewport });
        await page
          .getByRole('list', { name: 'Posts, newest first' })
          .getByRole('listitem')
          .first()
          .waitFor();
        await page.getByRole('img', { name: /^Volume and sentiment: / }).waitFor();
        assert.deepEqual(await runAxe(page), []);
        const tooWide = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(tooWide <= 0, `the page is ${tooWide} px wider than the screen`);
        if (process.env.SHARE_PICTURES) {
          const name = `${process.env.SHARE_PICTURES}/share-${kind}-${viewport.width}-${colorScheme}.png`;
          await page.screenshot({ path: name, fullPage: true });
        }
      });
    }
  }
}
