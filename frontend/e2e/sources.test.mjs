/** Sources from one click to the posts that they bring: real binary, real browser, and a network on this machine. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { JetstreamHost } from './support/jetstream.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until, untilEqual } from './support/until.mjs';

let server;
let browser;
let host;

before(async () => {
  [server, browser, host] = await startAll(
    RealServer.start('debug', { GROUNDSWELL_NOTIFY_ALLOW: '127.0.0.1' }),
    openBrowser(),
    JetstreamHost.start(10),
  );
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await host?.stop();
});

async function open(t, options = {}) {
  const opened = await openPage(browser, options);
  t.after(opened.close);
  await opened.page.goto(`${server.url}/sources`);
  return opened;
}

const sourceNamed = (page, name) =>
  page
    .getByRole('list', { name: 'Sources' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('heading', { name }) });

const press = (on, name) => on.getByRole('button', { name, exact: true }).click();

/** A number among the figures of a source. */
const figureOf = async (source, name) => {
  const figure = source.locator('dl > div').filter({ has: source.page().getByText(name) });
  return Number((await figure.locator('dd').innerText()).replaceAll(',', ''));
};

async function assertAccessible(page, what) {
  assert.deepEqual(await runAxe(page), [], what);
}

test('Bluesky is heard in one click, whether or not it can be reached, and no longer after another', async (t) => {
  const { page, problems } = await open(t);
  await page.getByText('No sources yet').waitFor();
  await assertAccessible(page, 'the empty page');
  await press(page, 'Connect Bluesky');
  await page.getByText('Created “Bluesky”.').waitFor();
  const source = sourceNamed(page, 'Bluesky');
  // From a machine without a network it waits, for the first answer or for the next attempt.
  await source.getByText(/^(waiting|running|catching up)$/).waitFor();
  await source.getByText(/^\S.+\.$/).waitFor();
  await assertAccessible(page, 'a new source');
  await press(page, 'Undo');
  await page.getByText('Deleted “Bluesky”.').waitFor();
  await page.getByText('No sources yet').waitFor();
  assert.deepEqual(problems, []);
});

test('a source with an address of its own brings posts, and is tested, paused and resumed', async (t) => {
  const { page, problems } = await open(t);
  await press(page, 'Add source');
  const address = page.getByLabel('Address of the host (optional)');
  await page.getByLabel('Name', { exact: true }).fill('Harbor');
  await address.fill('http://10.0.0.1');
  await address.press('Enter');
  await page
    .getByText(/not allowed|https:/)
    .last()
    .waitFor();
  await until('the field to be marked', async () =>
    Boolean(await address.getAttribute('aria-invalid')),
  );
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Harbor');
  await assertAccessible(page, 'an address that is not allowed');
  await address.fill(host.url);
  await address.press('Enter');
  const source = sourceNamed(page, 'Harbor');
  await source.getByText('running', { exact: true }).waitFor();
  await until('posts per minute', async () => (await figureOf(source, 'Posts/min')) > 0);
  await until('stored posts', async () => (await figureOf(source, 'Stored')) > 10);

  await press(source, 'Test Harbor');
  await source.getByText(/^Test: Running\. Connected/).waitFor();
  await press(source, 'Pause Harbor');
  await page.getByText('Paused “Harbor”.').waitFor();
  await source.getByText('paused', { exact: true }).waitFor();
  await until('the connection to close', () => host.n_listeners === 0);
  await assertAccessible(page, 'a paused source');
  await press(page, 'Undo');
  await page.getByText('Resumed “Harbor”.').waitFor();
  await source.getByText('running', { exact: true }).waitFor();
  await press(source, 'Backfill Harbor');
  await page.getByRole('radio', { name: '6 hours', exact: true }).click();
  await press(page, 'Backfill the last 6 hours');
  await page.getByText('Backfilling the last 6 hours of “Harbor”.').waitFor();

  await source.getByRole('link', { name: 'Explore its posts' }).click();
  await page.waitForURL(/\/explore\?source=bluesky/);
  await page
    .getByText(/The tide at the harbor/)
    .first()
    .waitFor();
  await page.goBack();
  await source.getByRole('link', { name: 'Watch live' }).click();
  await page.waitForURL(/\/\?source=bluesky/);
  // The browser reports every answer that refuses something.
  assert.deepEqual(
    problems.filter((problem) => !problem.includes('422')),
    [],
  );
});

test('a source says why it hears nothing, and recovers', async (t) => {
  const { page } = await open(t);
  const source = sourceNamed(page, 'Harbor');
  await source.getByText('running', { exact: true }).waitFor();
  await host.goAway();
  await source.getByText('waiting', { exact: true }).waitFor();
  await source.getByText(/next attempt at \d\d:\d\d:\d\d UTC\.$/).waitFor();
  await press(source, 'Test Harbor');
  await source.getByText(/^Test: Waiting\. /).waitFor();
  await assertAccessible(page, 'a waiting source');
  await host.comeBack();
  await source.getByText('running', { exact: true }).waitFor();
});

test('on a phone a source is renamed, deleted and restored', async (t) => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const { page } = await open(t, { ...phone, colorScheme: 'dark' });
  await sourceNamed(page, 'Harbor').getByText('running', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Edit Harbor' }).tap();
  await page.getByLabel('Name', { exact: true }).fill('Tide');
  await assertAccessible(page, 'the editor on a phone');
  await page.getByRole('button', { name: 'Save source' }).tap();
  const source = sourceNamed(page, 'Tide');
  await source.getByText('running', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Add source' }).tap();
  await page.getByLabel('Name', { exact: true }).fill('tide');
  await page.getByRole('button', { name: 'Save source' }).tap();
  await page.getByText('Another source has this name.').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).tap();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `the page is ${width} px wide`);
  await page.getByRole('button', { name: 'Delete Tide' }).tap();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByText('Its posts are kept.').waitFor();
  await dialog.getByRole('button', { name: 'Delete' }).tap();
  await page.getByText('Deleted “Tide”.').waitFor();
  await page.getByText('No sources yet').waitFor();
  await assertAccessible(page, 'a deleted source');
  await page.getByRole('button', { name: 'Undo' }).tap();
  await page.getByText(/^Restored “Tide”/).waitFor();
  await source.getByText('running', { exact: true }).waitFor();
});

/** What a help desk sends. JavaScript would round the number. */
const ticketsOf = (text) =>
  `{"data": {"tickets": [{"nr": 9007199254740993, "body": ${JSON.stringify(text)}, "by": {"name": "ana"}}, {"nr": 2}]}}`;

/** Delivers a body as Standard Webhooks describes, and returns the status of the answer. */
async function deliver({ address, secret }, id, body) {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signed}`,
  };
  return (await fetch(address, { method: 'POST', headers, body })).status;
}

/** Reads the address and the secret that are shown once, and closes them. */
async function readSecret(page) {
  const sheet = page.getByRole('dialog', { name: /^Deliver posts to/ });
  const textOf = (name) => sheet.getByRole('region', { name }).locator('code').innerText();
  const shown = { address: await textOf('Address'), secret: await textOf('Secret') };
  await assertAccessible(page, 'a secret');
  await sheet.getByRole('button', { name: 'I have saved it' }).click();
  await sheet.waitFor({ state: 'detached' });
  return shown;
}

test('another system delivers to a webhook whose mapping was tried on a sample', async (t) => {
  const { page, problems } = await open(t);
  await press(page, 'Add source');
  await page.getByLabel('Network').selectOption('webhook');
  await page.getByLabel('Name', { exact: true }).fill('Help desk');
  await page.getByLabel('Sample delivery').fill(ticketsOf('The tide card is great'));
  await page.getByLabel('Where the items are (optional)').fill('/data/tickets');
  const preview = page.getByRole('region', { name: 'Preview' });
  await preview.getByText('0 posts, 2 items rejected').waitFor();
  await page.getByLabel('Text', { exact: true }).fill('/body');
  await page.getByLabel('Id', { exact: true }).fill('/nr');
  await page.getByLabel('Author', { exact: true }).fill('/by/name');
  await preview.getByText('1 post, 1 item rejected').waitFor();
  await preview.getByText('9007199254740993').waitFor();
  await assertAccessible(page, 'the editor of a webhook');
  await press(page, 'Save source');
  const first = await readSecret(page);
  const source = sourceNamed(page, 'Help desk');
  await source.getByText('Accepts signed deliveries.').waitFor();

  assert.equal(await deliver(first, 'msg_1', ticketsOf('The tide card is great')), 202);
  assert.equal(await deliver(first, 'msg_1', ticketsOf('The tide card is great')), 202);
  await until('figures', async () => (await figureOf(source, 'Offered')) === 4);
  await untilEqual('the rejected ones', 2, () => figureOf(source, 'Rejected'));
  await press(source, 'Rotate secret of Help desk');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Rotate secret' }).click();
  const second = await readSecret(page);
  assert.equal(second.address, first.address);
  assert.equal(await deliver(first, 'msg_2', ticketsOf('Not taken')), 401);
  assert.equal(await deliver(second, 'msg_2', ticketsOf('The tide card is great')), 202);
  await assertAccessible(page, 'a webhook');

  await until('the post to be stored', async () => {
    const answer = await fetch(`${server.url}/api/v1/posts?source=webhook`);
    return (await answer.json()).items.length > 0;
  });
  await source.getByRole('link', { name: 'Explore its posts' }).click();
  await page.waitForURL(/\/explore\?source=webhook/);
  await page.getByText('The tide card is great').first().waitFor();
  assert.equal(await page.getByText('The tide card is great').count(), 1, 'one post');
  assert.deepEqual(problems, []);
});
