/** The Alerts and System pages: real binary, real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until } from './support/until.mjs';

let server;
let browser;
let n_posts = 0;

/** Posts what alerts are about, which end a few minutes after the last post. */
async function complain() {
  const from = n_posts;
  n_posts += 80;
  await server.post(
    Array.from({ length: 80 }, (_, i) => ({
      id: `angry-${from + i}`,
      platform: 'web',
      product: 'Harbor Pay',
      text: `Harbor Pay is terrible, I hate it, worst service ever, never again ${from + i}`,
    })),
  );
}

before(async () => {
  [server, browser] = await startAll(RealServer.start(), openBrowser());
  await complain();
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

/** Whether a preview finds posts. It consists of complete steps, so the first posts appear in it after a step. */
async function havePreviewedPosts() {
  const rule = { name: '…', metric: 'volume', scope: { dimension: 'overall' } };
  const response = await fetch(`${server.url}/api/v1/alert-rules/preview`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...rule,
      window_seconds: 300,
      comparison: 'above',
      threshold: 1,
      severity: 'info',
    }),
  });
  const { series } = await response.json();
  return series.some(({ count }) => count > 0);
}

const about = (page, text) =>
  page
    .getByRole('list', { name: 'Open alerts' })
    .getByRole('listitem')
    .filter({ hasText: text })
    .first();

test('an alert shows its evidence and stays acknowledged', async (t) => {
  const { page, problems } = await open(t, '/alerts');
  const alert = about(page, 'Harbor Pay');
  await alert.waitFor();
  await alert
    .getByRole('button', { name: /Harbor Pay/ })
    .first()
    .click();
  const sheet = page.getByRole('dialog');
  await sheet.getByText('Opened').first().waitFor();
  assert.ok(new URL(page.url()).searchParams.has('alert'));
  await sheet.getByRole('button', { name: /^Acknowledge: / }).click();
  await sheet.getByText('acknowledged', { exact: true }).waitFor();
  await sheet.getByRole('button', { name: /^Undo acknowledgement: / }).click();
  await sheet.getByText('acknowledged', { exact: true }).waitFor({ state: 'hidden' });
  await sheet.getByText('Acknowledgement undone').waitFor();
  await sheet.getByRole('button', { name: /^Acknowledge: / }).click();
  await sheet.getByText('acknowledged', { exact: true }).waitFor();
  await sheet.getByRole('textbox', { name: 'Comment' }).fill('Refunds are out.');
  await sheet.getByRole('button', { name: 'Add comment' }).click();
  await sheet.getByRole('list', { name: 'History' }).getByText('Refunds are out.').waitFor();
  await sheet.getByRole('link', { name: 'View posts in Explore' }).click();
  await page.waitForURL(/\/explore\?/);
  await page.getByRole('img', { name: /^Volume and sentiment: [1-9]/ }).waitFor();
  await page.goBack();
  await sheet.getByText('acknowledged', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.reload();
  // Another alert may precede it by now.
  const acknowledged = page.getByRole('list', { name: 'Open alerts' }).getByRole('listitem');
  await acknowledged
    .filter({ hasText: 'Harbor Pay' })
    .filter({ hasText: 'acknowledged' })
    .first()
    .waitFor();
  assert.deepEqual(problems, []);
});

test('an alert is silenced from its card, and the silence can be ended', async (t) => {
  const { page } = await open(t, '/alerts');
  const first = about(page, 'Harbor Pay').getByRole('button', { name: /^Silence: / });
  // By its title, because another alert may come first meanwhile.
  const title = (await first.getAttribute('aria-label')).replace('Silence: ', '');
  await page
    .getByRole('button', { name: `Silence: ${title}`, exact: true })
    .first()
    .click();
  await page.getByRole('button', { name: '30 min' }).click();
  await about(page, title).getByText('silenced').waitFor();
  await page.getByRole('tab', { name: 'Silences' }).click();
  const silence = page.getByRole('list', { name: 'Silences' }).getByRole('listitem').first();
  await silence.getByText('active').waitFor();
  await silence.getByRole('button', { name: 'End now' }).click();
  await silence.getByText('expired').waitFor();
});

test('a silence for planned work has a start, and a silence of everything must be meant', async (t) => {
  // For the alerts of the next test.
  await complain();
  const { page } = await open(t, '/alerts?tab=silences');
  await page.getByRole('button', { name: 'New silence' }).click();
  await page.getByRole('button', { name: 'Save silence' }).click();
  await page.getByText(/tick “Silence all alerts”/).waitFor();
  await page.getByLabel('Scope').selectOption('product');
  await page.getByLabel('Starts').selectOption('later');
  await page.getByLabel('Comment').fill('Planned payment outage');
  await page.getByRole('button', { name: 'Save silence' }).click();
  await page.getByText(/or tick “Every product”/).waitFor();
  await page.getByLabel('Product', { exact: true }).fill('Harbr Pay');
  await page.getByRole('button', { name: 'Save silence' }).click();
  await page.getByText(/^No posts for the product “Harbr Pay”/).waitFor();
  await page.getByLabel('Product', { exact: true }).fill('Harbor Pay');
  await page.getByRole('button', { name: 'Save silence' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  const silences = page.getByRole('list', { name: 'Silences' }).getByRole('listitem');
  const silence = silences.filter({ hasText: 'Planned payment outage' });
  await silence.getByText('upcoming').waitFor();
  await silence.getByRole('button', { name: 'End now' }).click();
  await silence.getByText('expired').waitFor();
});

test('acknowledging moves no row under the pointer, and several alerts are acknowledged at once', async (t) => {
  const { page } = await open(t, '/alerts');
  const rows = page.getByRole('list', { name: 'Open alerts' }).getByRole('listitem');
  await until('two alerts', async () => (await rows.count()) >= 2);
  const undone = page.getByRole('button', { name: /^Undo acknowledgement: / });
  for (let left = await undone.count(); left > 0; left -= 1) {
    await undone.first().click();
    await until('one less', async () => (await undone.count()) < left);
  }
  const titles = () =>
    rows.locator('button[aria-haspopup="dialog"]:not([aria-label])').allTextContents();
  await rows.first().hover();
  const before = await titles();
  const first = rows.first().getByRole('button', { name: /^Acknowledge: / });
  await first.dblclick();
  await rows
    .first()
    .getByRole('button', { name: /^Undo acknowledgement: / })
    .waitFor();
  assert.equal(await undone.count(), 1);
  assert.deepEqual((await titles()).slice(0, before.length), before);
  await page.getByLabel('Select all').check();
  await page.getByRole('button', { name: 'Acknowledge selected' }).click();
  await page.getByText(/^\d+ alerts? acknowledged\./).waitFor();
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await page.getByText(/^\d+ alerts? no longer acknowledged\./).waitFor();
});

test('a rule is previewed, validated, saved, turned off and deleted', async (t) => {
  const { page } = await open(t, '/alerts?tab=rules');
  const rules = page.getByRole('list', { name: 'Rules' });
  await rules.getByText('built-in').first().waitFor();
  await until('posts in the preview', havePreviewedPosts);
  await page.getByRole('button', { name: 'New rule' }).click();
  await page.getByRole('img', { name: /^Preview: The rule would/ }).waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Nobody speaks of us');
  await page.getByLabel('Metric').selectOption('volume');
  await page.getByLabel('Alert when the value is').selectOption('below');
  await page.getByLabel('Alert below (posts)').fill('5');
  await page.getByLabel('Resolve above (posts)').fill('10');
  await page.getByRole('button', { name: 'Save rule' }).click();
  // Only the server checks that a lower bound needs a single product.
  const key = page.getByLabel('Product', { exact: true });
  await until('the error beside its field', async () =>
    Boolean(await key.getAttribute('aria-invalid')),
  );
  await until('focus in the field', () =>
    key.evaluate((field) => field === document.activeElement),
  );
  await key.fill('Harbor Pay');
  await page.getByRole('button', { name: 'Save rule' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  const rule = rules.getByRole('listitem').filter({ hasText: 'Nobody speaks of us' });
  await rule.getByText('Fewer than 5 posts for Harbor Pay in 5 minutes').waitFor();
  await rule.getByRole('switch').click();
  await rule.getByText('off', { exact: true }).waitFor();
  await page.reload();
  await rule.getByText('off', { exact: true }).waitFor();
  await rule.getByRole('button', { name: /^Delete/ }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await rule.waitFor({ state: 'hidden' });
});

test('the history is filtered by type, and its URL can be shared', async (t) => {
  const { page } = await open(t, '/alerts?tab=history');
  const alerts = page.getByRole('list', { name: 'Alerts, newest first' }).getByRole('listitem');
  await alerts.first().waitFor();
  await page.getByRole('combobox', { name: 'Type' }).selectOption('virality');
  await page.getByText('No matching alerts').waitFor();
  assert.equal(new URL(page.url()).search, '?tab=history&rule=virality');
  await page.goBack();
  await alerts.first().waitFor();
});

test('a dead letter shows its error and can be replayed', async (t) => {
  const { page, problems } = await open(t, '/system');
  await page.getByText('No dead letters').waitFor();
  await server.publishHalfAPost();
  const letters = page.getByRole('list', { name: 'Dead letters' }).getByRole('listitem');
  await letters.first().waitFor();
  await letters.first().getByText('Original post').click();
  await letters.first().getByText('{"id":').waitFor();
  await page.getByRole('button', { name: 'Replay all' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Replay all' }).click();
  await page.getByText('1 post replayed.').waitFor();
  // It is still invalid, so it fails again.
  await letters.first().waitFor();
  assert.deepEqual(problems, []);
});

test('errors appear in the chart, in the list and in service alerts', async (t) => {
  const { page, problems } = await open(t, '/system');
  await server.publishHalfAPost();
  const errors = page.getByRole('region', { name: 'Errors' });
  const chart = errors.getByRole('img', { name: /^Errors over time: .*dead letter/ });
  await chart.locator('[data-chart-ready="true"]').waitFor();
  await errors
    .getByRole('list', { name: 'Recent errors' })
    .getByText('dead letter')
    .first()
    .waitFor();
  await errors.getByRole('radio', { name: 'Last 24 hours' }).click();
  await errors.getByRole('button', { name: 'Table' }).click();
  await errors.getByRole('columnheader', { name: 'Dead letters' }).waitFor();
  const alerts = page.getByRole('region', { name: 'Service alerts' });
  await alerts.getByText('Some posts could not be processed').waitFor();
  await alerts.getByText('no one is notified').waitFor();
  assert.deepEqual(problems, []);
});

for (const path of ['/alerts', '/alerts?tab=rules', '/alerts?tab=channels', '/system']) {
  test(`${path} fits the width of a phone`, async (t) => {
    const { page, settle } = await open(t, path, { viewport: { width: 390, height: 844 } });
    await page.getByRole('region').first().waitFor();
    await settle();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  });
}
