/** Work on posts and alerts by several people: real binary, real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAxe } from './support/axe.mjs';
import { openBrowser, openPage } from './support/browser.mjs';
import { startAll } from './support/processes.mjs';
import { RealServer } from './support/server.mjs';
import { until, untilEqual } from './support/until.mjs';

const PHONE = { width: 390, height: 844 };

let server;
let browser;

const textOf = (topic, i) => `${topic} number ${i}: where is my parcel?`;

/** Sends posts about a topic, the first one the oldest, and returns their ids once they are stored. */
async function send(topic, n) {
  const now = Date.now();
  await server.post(
    Array.from({ length: n }, (_, i) => ({
      id: `${topic}-${i}`,
      platform: 'web',
      text: textOf(topic, i),
      url: `https://posts.example/${topic}/${i}`,
      created_at: new Date(now - (n - i) * 60_000).toISOString(),
    })),
  );
  return until('the posts to be stored', async () => {
    const response = await fetch(`${server.url}/api/v1/posts?q=${topic}&limit=100`);
    const { items } = await response.json();
    return items.length === n && items.toReversed().map(({ post }) => post.uuid);
  });
}

/** Changes the work on posts as another person. */
async function act(posts, change, name = 'Bob') {
  const response = await fetch(`${server.url}/api/v1/posts/work`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-groundswell-actor': name },
    body: JSON.stringify({ items: posts.map((post) => ({ post, change })) }),
  });
  assert.equal(response.status, 200);
}

async function workOn(post) {
  const response = await fetch(`${server.url}/api/v1/posts/${post}/work`);
  return response.json();
}

async function open(t, path, options = {}) {
  const opened = await openPage(browser, options);
  t.after(opened.close);
  await opened.page.goto(`${server.url}${path}`);
  return opened;
}

async function giveName(page, name) {
  await page.getByRole('button', { name: 'Your name' }).click();
  await page.getByRole('textbox', { name: 'Your name' }).fill(name);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: `Your name: ${name}` }).waitFor();
}

const queueOf = (page) => page.getByRole('list', { name: 'Posts in the queue' });
const rowOf = (page, text) => queueOf(page).getByRole('listitem').filter({ hasText: text });

before(async () => {
  [server, browser] = await startAll(RealServer.start(), openBrowser());
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('posts selected in Explore are tagged and queued, and each action can be undone', async (t) => {
  const ids = await send('alfa', 3);
  const { page, problems } = await open(t, '/explore?q=alfa&window=24h');
  await giveName(page, 'Ana');
  const bar = page.getByRole('toolbar', { name: 'Selected posts' });
  const said = bar.getByRole('status');
  await bar.getByRole('checkbox', { name: 'Select all' }).check();
  await bar.getByText('3 selected').waitFor();
  await bar.getByRole('button', { name: 'Tag selected posts' }).click();
  await page.getByRole('combobox', { name: 'Add a tag' }).fill('#Refund');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await said.getByText('3 posts tagged “Refund”.').waitFor();
  const list = page.getByRole('list', { name: /^Posts, / });
  await until('every row to show the tag', async () => {
    return (await list.getByText('refund', { exact: true }).count()) === 3;
  });
  await said.getByRole('button', { name: 'Undo' }).click();
  await said.getByText('3 posts changed back.').waitFor();
  assert.deepEqual((await workOn(ids[0])).tags, []);

  await bar.getByRole('button', { name: 'Needs an answer' }).click();
  await said.getByText('3 posts added to the queue.').waitFor();
  // Someone else is quicker: undo leaves their post alone.
  await act([ids[1]], { assignee: 'Bob' });
  await said.getByRole('button', { name: 'Undo' }).click();
  await said
    .getByText('2 posts changed back; 1 post not updated: changed by someone else meanwhile.')
    .waitFor();
  assert.equal((await workOn(ids[1])).assignee, 'Bob');
  assert.equal((await workOn(ids[2])).needs_answer, false);

  await list.getByRole('button', { name: /alfa number 1/ }).click();
  const sheet = page.getByRole('dialog');
  const history = sheet.getByRole('list', { name: 'History' });
  await history.getByText(/Bob assigned it to Bob/).waitFor();
  await history.getByText(/Ana added the tag “refund”/).waitFor();
  await sheet.getByRole('textbox', { name: 'Note', exact: true }).last().fill('Called them.');
  await sheet.getByRole('button', { name: 'Add note' }).click();
  await history.getByText('Called them.').waitFor();
  await sheet.getByRole('combobox', { name: 'Status of this post' }).selectOption('answered');
  await history.getByText(/Ana set the status to answered/).waitFor();
  assert.deepEqual(problems, []);
});

test('the queue shows what others do without a reload, and mine after I gave my name', async (t) => {
  const ids = await send('bravo', 4);
  await act(ids, { needs_answer: true, add_tags: ['bravo'] });
  const { page, problems } = await open(t, '/queue?tag=bravo');
  await rowOf(page, 'bravo number 3').waitFor();
  const texts = [0, 1, 2, 3].map((i) => textOf('bravo', i));
  await untilEqual('the oldest first', texts, () =>
    queueOf(page).locator('[data-post]').allTextContents(),
  );

  await page.getByRole('radio', { name: 'Mine' }).click();
  await page.getByRole('textbox', { name: 'Your name' }).fill('Ana');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('No matching posts').waitFor();
  await act([ids[2]], { assignee: 'Ana' });
  await page.getByRole('button', { name: 'Refresh' }).click();
  await rowOf(page, 'bravo number 2').waitFor();
  await untilEqual('one post', 1, () => queueOf(page).getByRole('listitem').count());
  // From here on it follows by itself.
  await act([ids[2]], { status: 'in_progress' });
  await rowOf(page, 'bravo number 2').getByText('in progress').waitFor();
  await act([ids[3]], { assignee: 'Ana' });
  await rowOf(page, 'bravo number 3').waitFor();

  const original = rowOf(page, 'bravo number 3').getByRole('link', { name: /original post/ });
  assert.equal(await original.getAttribute('href'), 'https://posts.example/bravo/3');
  await rowOf(page, 'bravo number 3')
    .getByRole('button', { name: /^Answered: / })
    .click();
  await page.getByText('1 post set to answered.').waitFor();
  await until('the answer to be stored', async () => {
    return (await workOn(ids[3])).status === 'answered';
  });
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await page.getByText('1 post changed back.').waitFor();
  assert.equal((await workOn(ids[3])).status, 'open');
  assert.deepEqual(await runAxe(page), []);
  assert.deepEqual(problems, []);
});

test('the queue is worked off by keyboard alone', async (t) => {
  const ids = await send('charlie', 3);
  await act(ids, { needs_answer: true, add_tags: ['charlie'] });
  const { page, problems } = await open(t, '/queue?tag=charlie');
  await rowOf(page, 'charlie number 2').waitFor();
  await queueOf(page).locator('[data-post]').first().focus();
  const focuses = (text) =>
    untilEqual('the focus', text, () => page.evaluate(() => document.activeElement?.textContent));
  await page.keyboard.press('j');
  await focuses(textOf('charlie', 1));
  await page.keyboard.press('k');
  await focuses(textOf('charlie', 0));
  await page.keyboard.press('Enter');
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('heading', { name: 'Post 1 of 3' }).waitFor();
  await page.keyboard.press('j');
  await sheet.getByRole('heading', { name: 'Post 2 of 3' }).waitFor();
  await sheet.getByText(textOf('charlie', 1)).waitFor();

  const status = sheet.getByRole('combobox', { name: 'Status of this post' });
  await until('the work to be loaded', () => status.isEnabled());
  await status.focus();
  await page.keyboard.press('a');
  await sheet.getByText('1 post set to answered.').waitFor();
  assert.equal((await workOn(ids[1])).status, 'answered');
  const note = sheet.getByRole('textbox', { name: 'Note', exact: true });
  await note.focus();
  await page.keyboard.type('joke');
  assert.equal(await note.inputValue(), 'joke', 'letters are text while one types');
  assert.deepEqual(await runAxe(page), []);
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'hidden' });
  await focuses(textOf('charlie', 0));
  assert.deepEqual(problems, []);
});

test('the queue fits a phone', async (t) => {
  const ids = await send('delta', 2);
  await act(ids, { needs_answer: true, assignee: 'Bob', add_tags: ['delta', 'a rather long tag'] });
  const { page, problems } = await open(t, '/', { viewport: PHONE, hasTouch: true });
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Queue' }).tap();
  await rowOf(page, 'delta number 0').getByRole('checkbox').check();
  const isTooWide = () =>
    page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth > 0,
    );
  assert.equal(await isTooWide(), false);
  await page.getByRole('button', { name: 'Assign selected posts' }).tap();
  await page.getByRole('combobox', { name: 'Assign to' }).fill('Cleo');
  await page.getByRole('button', { name: 'Assign', exact: true }).tap();
  await page.getByText('1 post assigned to Cleo.').waitFor();
  await rowOf(page, 'delta number 1').locator('[data-post]').tap();
  await page.getByRole('dialog').getByText('Bob').first().waitFor();
  assert.equal(await isTooWide(), false);
  assert.deepEqual(await runAxe(page), []);
  assert.deepEqual(problems, []);
});

test('an alert is assigned, found under mine, and taken back', async (t) => {
  await server.post(
    Array.from({ length: 80 }, (_, i) => ({
      id: `angry-${i}`,
      platform: 'web',
      product: 'Harbor Pay',
      text: `Harbor Pay is terrible, I hate it, worst service ever, never again ${i}`,
    })),
  );
  const { page, problems } = await open(t, '/alerts');
  await giveName(page, 'Ana');
  const alerts = page.getByRole('list', { name: 'Open alerts' });
  // By its title: other alerts may only quote posts about Harbor Pay.
  await alerts
    .getByRole('button', { name: /^Assign: .*Harbor Pay/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Assign to me' }).click();
  const mine = alerts.getByRole('listitem').filter({ has: page.getByText('Ana', { exact: true }) });
  await mine.first().waitFor();
  await page.getByRole('radio', { name: 'Mine' }).click();
  await mine.first().waitFor();
  await untilEqual('one alert', 1, () => alerts.getByRole('listitem').count());
  await mine
    .getByRole('button', { name: /Harbor Pay/ })
    .first()
    .click();
  const sheet = page.getByRole('dialog');
  await sheet.getByText('Assigned to Ana by Ana').waitFor();
  await sheet.getByRole('button', { name: /^Acknowledge: / }).click();
  await sheet.getByText('Acknowledged by Ana').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Undo assignment' }).click();
  // The row stays in place while it is in use.
  await page.getByRole('radio', { name: 'Unassigned' }).click();
  await alerts.getByRole('listitem').filter({ hasText: 'Harbor Pay' }).first().waitFor();
  await untilEqual('none of mine', 0, () => mine.count());
  assert.deepEqual(problems, []);
});
