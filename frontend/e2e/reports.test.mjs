/** Scheduled reports: real binary, real browser, and a mail server in the test. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until } from './support/until.mjs';

let server;
let browser;
let mailServer;
const mails = [];

/** An hour ago, so that the report is not due again during the test. */
const DUE = `${new Date(Date.now() - 3_600_000).toISOString().slice(11, 13)}:00`;

/** Accepts every mail, one line of the protocol at a time. */
function receive(socket) {
  let rest = '';
  let mail = null;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\r\n');
    rest = lines.pop();
    for (const line of lines) {
      if (mail !== null && line !== '.') mail.push(line);
      else if (mail !== null) {
        mails.push(mail.join('\n'));
        mail = null;
        socket.write('250 accepted\r\n');
      } else if (line === 'DATA') {
        mail = [];
        socket.write('354 go on\r\n');
      } else if (line === 'QUIT') socket.end('221 bye\r\n');
      else socket.write('250 ok\r\n');
    }
  });
  socket.write('220 ready\r\n');
}

before(async () => {
  mailServer = createServer(receive);
  await new Promise((resolve) => mailServer.listen(0, '127.0.0.1', resolve));
  [server, browser] = await startAll(
    RealServer.start('debug', {
      GROUNDSWELL_SMTP_URL: `smtp://127.0.0.1:${mailServer.address().port}`,
      GROUNDSWELL_SMTP_FROM: 'Groundswell <mood@example.org>',
    }),
    openBrowser(),
  );
  const channel = { name: 'Team', kind: 'email', settings: { to: ['ann@example.org'] } };
  const made = await fetch(`${server.url}/api/v1/notification-channels`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(channel),
  });
  assert.equal(made.status, 201);
  // A report covers the day before it was last due: yesterday, or the day before where that hour is yet to come.
  for (const days of [1, 2]) {
    const noon = new Date();
    noon.setUTCDate(noon.getUTCDate() - days);
    noon.setUTCHours(12, 0, 0, 0);
    await server.post(
      Array.from({ length: 40 }, (_, i) => ({
        id: `post-${days}-${i}`,
        platform: 'web',
        product: 'Harbor Pay',
        text: `Harbor Pay is <b>great</b>, I love it ${i}`,
        created_at: noon.toISOString(),
      })),
    );
  }
});

after(async () => {
  await browser?.close();
  await server?.stop();
  mailServer?.close();
});

async function open(t, options = {}) {
  const opened = await openPage(browser, options);
  t.after(opened.close);
  await opened.page.goto(`${server.url}/reports`);
  return opened;
}

const reportNamed = (page, name) =>
  page.getByRole('list', { name: 'Reports' }).getByRole('listitem').filter({ hasText: name });

async function assertAccessible(page, what) {
  assert.deepEqual(await runAxe(page), [], what);
}

test('a report is created with the keyboard, previewed, sent and downloaded', async (t) => {
  const { page, problems } = await open(t, { timezoneId: 'UTC' });
  await page.getByText('No reports yet').waitFor();
  await page.getByRole('button', { name: 'New report' }).focus();
  await page.keyboard.press('Enter');
  await until('focus on the name', () =>
    page.getByLabel('Name', { exact: true }).evaluate((field) => field === document.activeElement),
  );
  await page.keyboard.press('Enter');
  await page.getByText('Enter a name.').waitFor();
  await page.keyboard.type('Morning report');
  await page.getByLabel('Repeat').selectOption('daily');
  await page.getByLabel('Time', { exact: true }).fill(DUE);
  const preview = page.frameLocator('iframe[title="Report preview"]');
  await preview.getByRole('heading', { name: 'Morning report' }).waitFor();
  await preview.getByRole('rowheader', { name: 'Harbor Pay' }).waitFor();
  await until('the styles of the report', () =>
    preview.locator('body').evaluate((body) => getComputedStyle(body).padding === '16px'),
  );
  await assertAccessible(page, 'the editor');
  await page.getByRole('button', { name: 'Save report' }).focus();
  await page.keyboard.press('Enter');
  const report = reportNamed(page, 'Morning report');
  await report.getByText(`Daily at ${DUE}, UTC`).waitFor();

  await report.getByRole('button', { name: 'Send now: Morning report' }).click();
  await report.getByText('sent', { exact: true }).waitFor();
  assert.equal(mails.length, 1);
  assert.match(mails[0], /^Subject: Morning report: /m);
  assert.match(mails[0], /application\/pdf/);
  await report.getByRole('button', { name: 'Past reports of Morning report' }).click();
  for (const format of ['HTML', 'PDF']) {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: new RegExp(`as ${format}$`) }).click(),
    ]);
    assert.match(file.suggestedFilename(), new RegExp(`\\.${format.toLowerCase()}$`));
  }
  await assertAccessible(page, 'past reports');
  await page.keyboard.press('Escape');
  await assertAccessible(page, 'the list');
  assert.deepEqual(problems, []);
});

test('on a phone a report is switched off, changed and deleted', async (t) => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const { page } = await open(t, { ...phone, colorScheme: 'dark' });
  const report = reportNamed(page, 'Morning report');
  await report.getByRole('switch').tap();
  await report.getByText('off', { exact: true }).waitFor();
  await report.getByRole('button', { name: 'Edit Morning report' }).tap();
  await page.getByLabel('Product').fill('Harbor Pay');
  await assertAccessible(page, 'the editor on a phone');
  await page.getByRole('button', { name: 'Save report' }).tap();
  await report.getByText(/product Harbor Pay/).waitFor();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `the page is ${width} px wide`);
  await report.getByRole('button', { name: 'Delete Morning report' }).tap();
  await page.getByRole('button', { name: 'Delete', exact: true }).tap();
  await page.getByText('No reports yet').waitFor();
});
