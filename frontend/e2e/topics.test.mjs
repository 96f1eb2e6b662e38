/** Topics from their form to the counts: real binary, real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until, untilEqual } from './support/until.mjs';

let server;
let browser;

/** Figures of a day leave out the minute that is not over. */
const MINUTES_AGO_MS = 120_000;

const postsAbout = (text, n) =>
  Array.from({ length: n }, (_, i) => ({
    id: `${text}-${i}-${Date.now()}`,
    platform: 'web',
    text: `${text}, and this is number ${i}`,
    created_at: new Date(Date.now() - MINUTES_AGO_MS).toISOString(),
  }));

before(async () => {
  [server, browser] = await startAll(RealServer.start('debug'), openBrowser());
  await server.post([
    ...postsAbout('The harbor card 💳 broke again', 12),
    ...postsAbout('The harbor is full of boats', 8),
  ]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(t, options = {}) {
  const opened = await openPage(browser, options);
  t.after(opened.close);
  await opened.page.goto(`${server.url}/topics`);
  return opened;
}

const topicNamed = (page, name) =>
  page.getByRole('list', { name: 'Topics' }).getByRole('listitem').filter({ hasText: name });

const queryOf = (page) => page.getByRole('textbox', { name: 'Query' });

async function assertAccessible(page, what) {
  assert.deepEqual(await runAxe(page), [], what);
}

/** Returns where the mark is, relative to the text field, and the text before it, as the field draws them. */
function measureMark(page) {
  return queryOf(page).evaluate((field) => {
    const copy = field.parentElement.firstElementChild;
    const mark = copy.querySelector('mark');
    const [outer, inner] = [field, mark].map((element) => element.getBoundingClientRect());
    return {
      text: mark.textContent,
      isInside: inner.left >= outer.left && inner.bottom <= outer.bottom,
      areSameSize:
        copy.clientWidth === field.clientWidth && copy.clientHeight === field.clientHeight,
      isScrolled: field.scrollHeight > field.clientHeight,
    };
  });
}

test('a topic is created with the keyboard while its query is checked, and posts are counted under it', async (t) => {
  const { page, problems } = await open(t);
  await page.getByText('No topics yet').waitFor();
  await assertAccessible(page, 'the empty page');
  await page.getByRole('button', { name: 'Create a topic' }).focus();
  await page.keyboard.press('Enter');
  await until('focus on the name', () =>
    page.getByLabel('Name', { exact: true }).evaluate((field) => field === document.activeElement),
  );
  await page.keyboard.press('Enter');
  await page.getByText('Enter a name.').waitFor();
  await page.keyboard.type('Harbor Card');
  await queryOf(page).focus();
  await page.keyboard.type('raw:💳 (harbor\nNOT boat*');
  await page
    .getByText(/Character 7: this bracket is never closed/)
    .first()
    .waitFor();
  const isInvalid = () => queryOf(page).getAttribute('aria-invalid');
  await untilEqual('the field to be marked', 'true', isInvalid);
  const mark = { text: '(', isInside: true, areSameSize: true, isScrolled: false };
  await untilEqual('the mark', mark, () => measureMark(page));
  await assertAccessible(page, 'an invalid query');
  await page.keyboard.type(')');
  await page.getByText('About 12 posts a day').waitFor();
  await page.getByText('12 of 20 posts in the last 24 hours match.').waitFor();
  await untilEqual('the field to be valid', null, isInvalid);
  const matching = page.getByRole('list', { name: 'Newest matching posts' });
  assert.match(await matching.getByRole('listitem').first().innerText(), /harbor card 💳/);
  await page.getByRole('button', { name: 'Show 12 posts' }).click();
  await untilEqual('all of them', 12, () => matching.getByRole('listitem').count());
  await page.getByText('How to write a query').click();
  await assertAccessible(page, 'a valid query');
  await page.getByRole('button', { name: 'Save topic' }).focus();
  await page.keyboard.press('Enter');
  const topic = topicNamed(page, 'Harbor Card');
  for (const badge of ['product', 'ours', 'tracks churn']) {
    await topic.getByText(badge, { exact: true }).waitFor();
  }
  await topic.getByText('0 posts in the last 24 hours').waitFor();

  await until('posts to be matched', async () => {
    await server.post(postsAbout('My harbor card 💳 works', 1));
    const response = await fetch(`${server.url}/api/metrics/products?window=24h`);
    return (await response.json()).items.some(({ key }) => key === 'Harbor Card');
  });
  await page.reload();
  const link = topic.getByRole('link', { name: /^[1-9]\d* posts? in the last 24 hours$/ });
  await link.click();
  await page.waitForURL(/\/explore\?.*product=Harbor(\+|%20)Card/);
  await page
    .getByText(/My harbor card/)
    .first()
    .waitFor();
  assert.deepEqual(problems, []);
});

test('a name that is taken is refused at its field, and what was typed stays', async (t) => {
  const { page } = await open(t);
  await topicNamed(page, 'Harbor Card').waitFor();
  await page.getByRole('button', { name: 'New topic' }).click();
  await page.getByLabel('Name', { exact: true }).fill('harbor card');
  await page.getByLabel('Kind').selectOption('competitor');
  assert.equal(
    await page.getByRole('checkbox', { name: 'About our own organization' }).isChecked(),
    false,
  );
  await queryOf(page).fill('tide');
  await page.getByLabel('Name', { exact: true }).press('Enter');
  await page.getByText('Another topic has this name.').waitFor();
  assert.equal(await queryOf(page).inputValue(), 'tide');
  await assertAccessible(page, 'a taken name');
  await page.getByLabel('Name', { exact: true }).fill('Tide');
  await page.getByRole('button', { name: 'Save topic' }).click();
  await topicNamed(page, 'Tide').getByText('competitor').waitFor();
});

test('on a phone a topic is switched off, changed, deleted and restored', async (t) => {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const { page } = await open(t, { ...phone, colorScheme: 'dark' });
  const topic = topicNamed(page, 'Tide');
  await topic.getByRole('switch').tap();
  await topic.getByText('off', { exact: true }).waitFor();
  await topic.getByRole('button', { name: 'Edit Tide' }).tap();
  await queryOf(page).fill('"rising tide" OR '.repeat(12) + 'harbor and boats');
  await page.getByText(/is searched as a word/).waitFor();
  await untilEqual('the mark', ['and', true, true], async () => {
    const { text, isInside, areSameSize } = await measureMark(page);
    return [text, isInside, areSameSize];
  });
  await page.getByRole('list', { name: 'Newest matching posts' }).waitFor();
  await assertAccessible(page, 'the editor on a phone');
  await page.getByRole('button', { name: 'Save topic' }).tap();
  await topic.getByText(/rising tide/).waitFor();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `the page is ${width} px wide`);
  await topic.getByRole('button', { name: 'Delete Tide' }).tap();
  await page.getByText('Deleted “Tide”.').waitFor();
  await untilEqual('no topic', 0, () => topic.count());
  await assertAccessible(page, 'a deleted topic');
  await page.getByRole('button', { name: 'Undo' }).tap();
  await page.getByText('Restored “Tide”.').waitFor();
  await topic.getByText('off', { exact: true }).waitFor();
  await topic.getByText(/rising tide/).waitFor();
});
