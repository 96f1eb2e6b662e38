/** Notification channels: real binary, real browser, and a receiver in the test. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until } from './support/until.mjs';

let server;
let browser;
let receiver;
/** The receiver's status, and the messages it received. */
let status = 204;
const received = [];

before(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(status).end();
    });
  });
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  [server, browser] = await startAll(
    RealServer.start('debug', { GROUNDSWELL_NOTIFY_ALLOW: '127.0.0.0/8' }),
    openBrowser(),
  );
});

after(async () => {
  await browser?.close();
  await server?.stop();
  receiver?.close();
});

async function open(t, path, options = {}) {
  const opened = await openPage(browser, options);
  t.after(opened.close);
  await opened.page.goto(`${server.url}${path}`);
  return opened;
}

test('a webhook shows its secret once, and its test shows failures', async (t) => {
  const { page } = await open(t, '/alerts?tab=channels');
  await page.getByRole('button', { name: 'New notification channel' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Our receiver');
  const address = page.getByLabel('URL');
  await address.fill('https://10.0.0.1/hook');
  await page.getByRole('button', { name: 'Save notification channel' }).click();
  await until('the refusal of a private address', async () =>
    Boolean(await address.getAttribute('aria-invalid')),
  );
  await address.fill(`http://127.0.0.1:${receiver.address().port}/hook`);
  await page.getByRole('button', { name: 'Save notification channel' }).click();
  await page.getByText(/^whsec_/).waitFor();
  await page.getByRole('button', { name: 'I have saved it' }).click();
  const channel = page
    .getByRole('list', { name: 'Notification channels' })
    .getByRole('listitem')
    .filter({ hasText: 'Our receiver' });
  await channel.getByRole('button', { name: /^Test/ }).click();
  await channel.getByText(/^Test: delivered, 204/).waitFor();
  assert.ok(received.at(-1).headers['webhook-signature']);
  status = 500;
  await channel.getByRole('button', { name: /^Test/ }).click();
  await channel.getByText(/^Test: .*, 500 in /).waitFor();
  status = 204;
  await page.reload();
  await channel.waitFor();
  assert.equal(await page.getByText(/whsec_/).count(), 0);
});

test('the sensitivity of signals is saved', async (t) => {
  const { page } = await open(t, '/alerts?tab=signals');
  await page.getByRole('radio', { name: /^High/ }).check();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved.').waitFor();
  await page.reload();
  await until('the choice', () => page.getByRole('radio', { name: /^High/ }).isChecked());
});

test('an alert is sent to the channel and appears in its log', async (t) => {
  await server.post(
    Array.from({ length: 80 }, (_, i) => ({
      id: `angry-${i}`,
      platform: 'web',
      product: 'Harbor Pay',
      text: `Harbor Pay is terrible, I hate it, worst service ever, never again ${i}`,
    })),
  );
  await until('the receiver to get a message', () =>
    // The overall alert may inhibit the product's, so accept either message.
    received.some(({ body }) => body.includes('are negative')),
  );
  const { page } = await open(t, '/alerts?tab=channels');
  await page.getByRole('button', { name: 'Log for Our receiver' }).click();
  const log = page.getByRole('list', { name: 'Notifications' }).getByRole('listitem').first();
  await log.getByText('sent', { exact: true }).waitFor();
  await log
    .getByText(/delivered, 204 in \d+ ms/)
    .first()
    .waitFor();
  await log.getByRole('button', { name: 'alert fired' }).click();
  await page.getByRole('list', { name: 'History' }).getByText('Opened').first().waitFor();
});
