/** The Explore page: real binary, known posts, real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until, untilEqual } from './support/until.mjs';

const HOUR_MS = 3_600_000;

/** The middle of an hour, so that posts from some hours before it are in one hour of the chart. */
const MIDDLE = (Math.floor(Date.now() / HOUR_MS) + 0.5) * HOUR_MS;
const hoursBefore = (hours) => new Date(MIDDLE - hours * HOUR_MS).toISOString();

/** How long a test waits for what a click shows before it clicks again. */
const CLICK_EVERY_MS = 10_000;

/** Posts about each product. */
const N_ANGRY = 30;
const N_HAPPY = 20;

let server;
let browser;

before(async () => {
  [server, browser] = await startAll(RealServer.start(), openBrowser());
  const angry = Array.from({ length: N_ANGRY }, (_, i) => ({
    id: `angry-${i}`,
    platform: 'web',
    product: 'Harbor Pay',
    channel: 'support',
    created_at: hoursBefore(5),
    text: `Harbor Pay is terrible, I want a refund, worst service ever ${i}`,
  }));
  const happy = Array.from({ length: N_HAPPY }, (_, i) => ({
    id: `happy-${i}`,
    platform: 'appstore',
    product: 'Tide Card',
    channel: 'app',
    created_at: hoursBefore(2),
    engagement: { likes: i * 10, shares: i, comments: 0, views: 0 },
    text: `I love the Tide Card, wonderful and so easy to use ${i}`,
  }));
  await server.post([...angry, ...happy]);
  await until('all posts to be stored', async () => {
    const answer = await fetch(`${server.url}/api/v1/explore/series?window=24h`);
    const { items } = await answer.json();
    return items.reduce((sum, { count }) => sum + count, 0) === N_ANGRY + N_HAPPY;
  });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(t, path = '/explore', options = {}) {
  const opened = await openPage(browser, options);
  t.after(opened.close);
  await opened.page.goto(`${server.url}${path}`);
  return opened;
}

const series = (page) => page.getByRole('img', { name: /^Volume and sentiment: / });
const posts = (page) => page.getByRole('list', { name: /^Posts, / }).getByRole('listitem');
const search = (page) => new URL(page.url()).searchParams;

const says = (page, pattern) =>
  until(`the series to say ${pattern}`, async () =>
    pattern.test((await series(page).getAttribute('aria-label')) ?? ''),
  );

test('a row of the breakdown filters the page, and Back removes the filter', async (t) => {
  const { page, problems } = await open(t);
  await says(page, /: 50 posts, /);
  const rows = page.getByRole('list', { name: 'Posts by product' });
  await rows.getByRole('button', { name: /Harbor Pay/ }).click();
  await says(page, /: 30 posts, /);
  assert.equal(search(page).get('product'), 'Harbor Pay');
  await until('only its posts', async () => {
    const texts = await posts(page).allInnerTexts();
    return texts.length > 0 && texts.every((text) => text.includes('Harbor Pay'));
  });
  await page.goBack();
  await says(page, /: 50 posts, /);
  await page.goForward();
  await says(page, /: 30 posts, /);
  assert.deepEqual(problems, []);
});

test('a click on the chart opens the posts of its step and label', async (t) => {
  const { page, settle } = await open(t, '/explore?window=24h&step=hour');
  // Its place changes at the full hour.
  await until('the posts of the angry hour', async () => {
    await says(page, /: 50 posts, /);
    await series(page).locator('[data-chart-ready="true"]').first().waitFor();
    await settle();
    const asked = await fetch(`${server.url}/api/v1/explore/series?window=24h&step=hour`);
    const { items } = await asked.json();
    const place = items.findIndex(({ count }) => count === N_ANGRY);
    const { x, y, width, height } = await series(page).boundingBox();
    const middle = x + 48 + ((place + 0.5) * (width - 56)) / items.length;
    await page.mouse.click(middle, y + height - 96);
    const isOpen = ({ searchParams }) => searchParams.get('label') === 'negative';
    const opened = page.waitForURL(isOpen, { timeout: CLICK_EVERY_MS });
    await opened.catch(() => page.goto(`${server.url}/explore?window=24h&step=hour`));
    return isOpen(new URL(page.url()));
  });
  await says(page, /: 30 posts, 100% negative/);
  const [from, to] = ['from', 'to'].map((key) => Date.parse(search(page).get(key)));
  assert.ok(to - from <= HOUR_MS, `${(to - from) / 60_000} minutes`);
  await until('their posts', async () => (await posts(page).count()) === 25);
});

test('a shared URL shows the same page', async (t) => {
  const first = await open(t);
  await says(first.page, /: 50 posts, /);
  await first.page.getByRole('searchbox').fill('refund');
  await first.page.getByRole('searchbox').press('Enter');
  await says(first.page, /: 30 posts, /);
  await first.page.getByLabel('Time zone').selectOption('Asia/Tokyo');
  await first.page.getByLabel('Break down by').selectOption('channel');
  await first.page.getByRole('list', { name: 'Posts by channel' }).getByText('support').waitFor();
  const shared = await open(
    t,
    new URL(first.page.url()).pathname + new URL(first.page.url()).search,
  );
  await says(shared.page, /: 30 posts, /);
  const chosen = () =>
    Promise.all([
      shared.page.getByLabel('Time zone').inputValue(),
      shared.page.getByRole('searchbox').inputValue(),
    ]);
  await untilEqual('the time zone and the words', ['Asia/Tokyo', 'refund'], chosen);
  await shared.page.getByRole('list', { name: 'Posts by channel' }).getByText('support').waitFor();
});

test('a custom period uses the chosen time zone', async (t) => {
  const { page } = await open(t, '/explore?tz=Asia/Kolkata');
  await says(page, /: 50 posts, /);
  assert.equal(await page.getByLabel('Time zone').inputValue(), 'Asia/Kolkata');
  await page.getByRole('button', { name: 'Custom period' }).click();
  // India is always five and a half hours ahead of UTC.
  const wall = (hours) =>
    new Date(Date.now() - hours * HOUR_MS + 5.5 * HOUR_MS).toISOString().slice(0, 16);
  await page.getByLabel('From').fill(wall(3));
  await page.getByLabel('To', { exact: true }).fill(wall(1));
  await page.getByRole('button', { name: 'Apply' }).click();
  await says(page, /: 20 posts, /);
  assert.ok(search(page).get('from').endsWith('Z'));
});

test('posts are sorted by engagement', async (t) => {
  const { page } = await open(t, '/explore?product=Tide+Card');
  await posts(page).first().waitFor();
  await page.getByRole('radio', { name: 'Engagement' }).click();
  await until('the most liked first', async () =>
    (await posts(page).first().innerText()).includes('190 likes'),
  );
  assert.equal(search(page).get('order'), 'engagement');
});

test('the export contains exactly the posts of the page', async (t) => {
  const { page } = await open(t, '/explore?q=refund');
  await says(page, /: 30 posts, /);
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  const download = async (name) => {
    const href = await page.getByRole('link', { name }).getAttribute('href');
    const answer = await fetch(`${server.url}${href}`);
    assert.equal(answer.status, 200, await answer.clone().text());
    return (await answer.text()).trim().split('\n');
  };
  const lines = await download('Posts as NDJSON');
  assert.equal(lines.length, N_ANGRY);
  assert.ok(lines.every((line) => JSON.parse(line).post.text.includes('refund')));
  assert.equal((await download('Posts as CSV')).length, N_ANGRY + 1);
});

test('a corrected label is shown, saved, exported and removed', async (t) => {
  const { page, problems } = await open(t, '/explore?product=Tide+Card');
  await posts(page).first().getByRole('button').click();
  const sheet = page.getByRole('dialog', { name: 'Post' });
  await sheet.getByText('Add a note').click();
  await sheet.getByLabel('Note on the label').fill('sarcasm');
  await sheet.getByRole('button', { name: 'Negative' }).click();
  await sheet.getByText(/^Set to negative by a person/).waitFor();
  await page.reload();
  await sheet.getByText(/^Set to negative by a person/).waitFor();
  const exported = await fetch(`${server.url}/api/v1/labels/export?format=ndjson`);
  const lines = (await exported.text()).trim().split('\n').map(JSON.parse);
  assert.equal(lines.length, 1);
  assert.equal(lines[0].label, 'negative');
  assert.equal(lines[0].note, 'sarcasm');
  await page.keyboard.press('Escape');
  await posts(page).getByText('corrected by a person: negative, was positive').waitFor();
  await posts(page).getByText('corrected by a person: negative, was positive').click();
  await sheet.getByRole('button', { name: 'Remove correction' }).click();
  await sheet.getByText(/ predicted positive\. Your label/).waitFor();
  assert.deepEqual(problems, []);
});

test('a view is saved, opened in another browser, renamed and deleted', async (t) => {
  const { page } = await open(t, '/explore?product=Tide+Card&by=channel');
  await says(page, /: 20 posts, /);
  await page.getByRole('button', { name: 'Saved views' }).click();
  await page.getByLabel('Save this view as').fill('Tide by channel');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: 'Tide by channel', exact: true }).waitFor();

  const other = (await open(t)).page;
  await says(other, /: 50 posts, /);
  await other.getByRole('button', { name: 'Saved views' }).click();
  await other.getByRole('button', { name: 'Tide by channel', exact: true }).click();
  await says(other, /: 20 posts, /);
  await other.getByRole('list', { name: 'Posts by channel' }).waitFor();

  await other.getByRole('button', { name: 'Saved views' }).click();
  await other.getByRole('button', { name: 'Rename Tide by channel' }).click();
  await other.getByLabel('New name for Tide by channel').fill('Tide');
  await other.getByRole('button', { name: 'Rename', exact: true }).click();
  await other.getByRole('button', { name: 'Delete Tide' }).click();
  await other.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await until('the view to be gone', async () => {
    const answer = await fetch(`${server.url}/api/v1/views`);
    return (await answer.json()).items.length === 0;
  });
});

test('on a phone, a post opens over the page and fits its width', async (t) => {
  const { page } = await open(t, '/explore', { viewport: { width: 390, height: 844 } });
  await posts(page).first().getByRole('button').click();
  await page.getByRole('group', { name: 'Correct the label' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
});

test('filters take several values and exclude others, and a saved view keeps them', async (t) => {
  const { page, problems } = await open(t);
  await says(page, /: 50 posts, /);
  const menu = (name) => page.getByRole('button', { name: new RegExp(`^${name}: `) });
  // By keyboard alone.
  await menu('Product').focus();
  await page.keyboard.press('Enter');
  // Posts have checkboxes of their own.
  const value = (name) => page.getByRole('dialog').getByRole('checkbox', { name });
  await value(/Harbor Pay/).focus();
  await page.keyboard.press('Space');
  await says(page, /: 30 posts, /);
  await value(/Tide Card/).focus();
  await page.keyboard.press('Space');
  await says(page, /: 50 posts, /);
  await page.keyboard.press('Escape');
  assert.deepEqual(search(page).getAll('product'), ['Harbor Pay', 'Tide Card']);

  // While it closes, it takes back the focus, and a menu that has lost the focus closes.
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await menu('Channel').click();
  await page.getByRole('radio', { name: 'is not' }).click();
  await value(/support/).check();
  await says(page, /: 20 posts, /);
  await page.keyboard.press('Escape');
  assert.equal(search(page).get('channel_not'), 'support');
  await until('only posts outside of support', async () => {
    const texts = await posts(page).allInnerTexts();
    return texts.length === N_HAPPY && texts.every((text) => text.includes('Tide Card'));
  });
  const counted = await fetch(`${server.url}/api/v1/posts?limit=100&${search(page)}&window=24h`);
  assert.equal((await counted.json()).items.length, N_HAPPY);

  await page.getByRole('button', { name: 'Saved views' }).click();
  await page.getByLabel('Save this view as').fill('Both, no support');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const other = (await open(t)).page;
  await other.getByRole('button', { name: 'Saved views' }).click();
  await other.getByRole('button', { name: 'Both, no support', exact: true }).click();
  await says(other, /: 20 posts, /);
  await other.getByRole('button', { name: 'Remove filter Channel is not: support' }).click();
  await says(other, /: 50 posts, /);
  await other.getByRole('button', { name: 'Clear filters' }).click();
  await says(other, /: 50 posts, /);
  assert.deepEqual(problems, []);
});

test('the breakdown is drawn as lines, whose legend hides and shows them', async (t) => {
  const { page, problems } = await open(t, '/explore?window=24h&step=hour');
  await says(page, /: 50 posts, /);
  await page.getByRole('radio', { name: 'By product' }).focus();
  await page.keyboard.press('Space');
  const lines = page.getByRole('img', { name: /^Product over time: / });
  await lines.waitFor();
  await until('the figures of the lines', async () =>
    /Harbor Pay 30, Tide Card 20/.test(await lines.getAttribute('aria-label')),
  );
  assert.equal(search(page).get('chart'), 'lines');
  const legend = page.getByRole('list', { name: 'Lines' });
  await legend.getByRole('button', { name: 'Tide Card' }).focus();
  await page.keyboard.press('Enter');
  await legend.getByRole('button', { name: 'Tide Card', pressed: false }).waitFor();
  await page.getByRole('button', { name: 'Product over time as a table' }).click();
  await until('the figures of the table', async () => {
    const cells = await page.getByRole('table').getByRole('cell').allInnerTexts();
    assert.ok(cells.includes('30') && cells.includes('20'), cells.join(' '));
    return true;
  });
  await page.getByLabel('Break down by').selectOption('label');
  await page
    .getByRole('img', { name: /^Label over time: / })
    .or(page.getByRole('table'))
    .waitFor();
  assert.deepEqual(problems, []);
});

test('two products stand side by side, with the change of each figure', async (t) => {
  const { page, problems } = await open(t, '/explore?window=24h');
  await says(page, /: 50 posts, /);
  await page.getByRole('button', { name: /^Compare(:|$)/ }).click();
  await page.getByLabel('Compare with', { exact: true }).selectOption('value');
  await page.getByLabel('First', { exact: true }).selectOption('Harbor Pay');
  await page.getByLabel('Second', { exact: true }).selectOption('Tide Card');
  await page.getByRole('button', { name: 'Apply' }).click();
  await says(page, /: 30 posts, .*; 20 for Tide Card$/);
  await page.getByText('Tide Card: 20').waitFor();
  assert.equal(search(page).get('product'), 'Harbor Pay');
  assert.equal(search(page).get('versus'), 'Tide Card');
  await page.reload();
  await says(page, /: 30 posts, .*; 20 for Tide Card$/);
  await page.getByRole('button', { name: /^Compare(:|$)/ }).click();
  await page.getByLabel('Compare with', { exact: true }).selectOption('week');
  await page.getByRole('button', { name: 'Apply' }).click();
  await says(page, /; 0 for a week earlier$/);
  assert.equal(search(page).get('compare'), 'week');
  assert.deepEqual(problems, []);
});

test('calendar periods follow the time zone and stay relative in a saved view', async (t) => {
  // In Kiritimati the day began 14 hours before it does in UTC.
  const { page, problems } = await open(t, '/explore?tz=Pacific/Kiritimati');
  await says(page, /: 50 posts, /);
  for (const [value, window] of [
    ['month', 'month'],
    ['week', 'week'],
    ['yesterday', 'yesterday'],
    ['today', 'today'],
  ]) {
    await page.getByLabel('Calendar period').selectOption(value);
    await until(`the ${window} in the URL`, () => search(page).get('window') === window);
    const query = `window=${window}&tz=Pacific/Kiritimati`;
    // The period may end between two answers.
    await until('the page and the API to agree', async () => {
      const answer = await fetch(`${server.url}/api/v1/explore/series?${query}`);
      const n = (await answer.json()).items.reduce((sum, { count }) => sum + count, 0);
      const label = await series(page).getAttribute('aria-label');
      assert.match(label, n === 0 ? /no posts in this period/ : new RegExp(`: ${n} posts, `));
      const listed = await fetch(`${server.url}/api/v1/posts?limit=100&${query}`);
      assert.equal((await listed.json()).items.length, n);
      return true;
    });
  }
  assert.equal(search(page).get('from'), null);
  assert.deepEqual(problems, []);
});

test('posts of any period are sorted by engagement, unknown last', async (t) => {
  const { page } = await open(t, '/explore?window=90d&order=engagement');
  await until('the most liked first', async () =>
    (await posts(page).first().innerText()).includes('190 likes'),
  );
  await page.getByRole('button', { name: 'Show more' }).click();
  await until('both pages', async () => (await posts(page).count()) === 50);
  assert.match(await posts(page).last().innerText(), /engagement unknown/);
  assert.match(
    await posts(page)
      .nth(N_HAPPY - 1)
      .innerText(),
    /no reactions/,
  );
});
