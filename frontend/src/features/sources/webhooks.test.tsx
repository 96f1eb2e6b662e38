import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { SourcesView } from '@/features/sources/components/sources-view';
import { sampleSource } from '@/features/sources/testing';
import { answerFetch, renderWithQueries } from '@/testing/render';

const SECRET = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';
const settings = { mapping: { text: '/body', author: { followers: '/by/fans' } } };
const desk = sampleSource({ id: 'w1', network: 'webhook', name: 'Desk', settings });
const revealed = { ...desk, secret: SECRET };

function open(extra: Parameters<typeof answerFetch>[0] = {}, items: object[] = [desk]) {
  const requests = answerFetch({ '/api/v1/sources': () => ({ items }), ...extra });
  renderWithQueries(<SourcesView />);
  return requests;
}

const changesIn = (requests: ReturnType<typeof open>) =>
  requests
    .filter(({ method, url }) => method !== 'GET' && !url.pathname.endsWith('preview-mapping'))
    .map(({ method, url, body }) => [method, url.pathname.replace('/api/v1', ''), body]);

const rejects = (status: number, error: object) => () =>
  new Response(JSON.stringify({ error }), { status });

const press = async (name: string) => userEvent.click(await screen.findByRole('button', { name }));

/** Sets the text of a field at once: user events would take `{` for a key. */
const fill = (label: string, value: string) =>
  fireEvent.change(screen.getByLabelText(label), { target: { value } });

async function openEditor() {
  await press('Add source');
  await userEvent.selectOptions(screen.getByLabelText('Network'), 'webhook');
  fill('Name', 'Desk');
}

/** The sheet that shows an address and a secret. */
async function secretSheet() {
  const sheet = within(await screen.findByRole('dialog', { name: 'Deliver posts to “Desk”' }));
  const partOf = (name: string) => sheet.getByRole('region', { name }).querySelector('code');
  return { sheet, address: partOf('Address')?.textContent, secret: partOf('Secret')?.textContent };
}

test('a webhook says where to deliver, and has no gaps and nothing to hear again', async () => {
  open();
  await screen.findByText('Accepts signed deliveries.');
  screen.getByText('/api/v1/sources/w1/events');
  screen.getByRole('button', { name: 'Rotate secret of Desk' });
  expect(screen.queryByRole('button', { name: 'Backfill Desk' })).toBeNull();
  expect(screen.queryByText('No gaps')).toBeNull();
});

test('a sample is previewed while the mapping is written, and suggests pointers', async () => {
  const post = { id: '9007199254740993', platform: 'webhook', text: 'I love it' };
  const rejected = [{ index: 1, code: 'missing_field', field: 'text', message: 'it has no text' }];
  const requests = open({
    'POST /api/v1/sources/preview-mapping': () => ({ posts: [post], rejected }),
  });
  await openEditor();
  screen.getByText('Paste a sample to see the resulting posts.');
  fill('Sample delivery', '{');
  screen.getByText('This is not JSON.');
  fill('Sample delivery', '{"list": [{"nr": 9007199254740993, "body": "I love it"}, {}]}');
  fill('Where the items are (optional)', '/list');
  fill('Text', '/body');
  const preview = within(screen.getByRole('region', { name: 'Preview' }));
  await preview.findByText('1 post, 1 item rejected');
  preview.getByText('I love it');
  preview.getByText('9007199254740993');
  preview.getByText('Item 2: it has no text.');
  const asked = requests.filter(({ url }) => url.pathname.endsWith('preview-mapping'));
  expect(asked.at(-1)?.body).toMatchObject({
    settings: { items: '/list', mapping: { text: '/body' } },
  });
  const suggested = document.getElementById(screen.getByLabelText('Id').getAttribute('list') ?? '');
  const pointers = [...(suggested?.querySelectorAll('option') ?? [])].map(({ value }) => value);
  expect(pointers).toEqual(['/nr', '/body']);
});

test('a preview that is refused says why', async () => {
  const message = 'the body has no items at `/list`';
  const error = { code: 'missing_field', message };
  open({ 'POST /api/v1/sources/preview-mapping': rejects(422, error) });
  await openEditor();
  fill('Sample delivery', '{}');
  await screen.findByText('The body has no items at `/list`.');
});

test('a new webhook reveals its address and secret once', async () => {
  const requests = open({ 'POST /api/v1/sources': () => revealed }, []);
  await openEditor();
  fill('Text', '/body');
  fill('Followers of the author', '/by/fans');
  fill('Name of the platform (optional)', 'desk');
  await press('Save source');
  const { sheet, address, secret } = await secretSheet();
  expect([address, secret]).toEqual([`${location.origin}/api/v1/sources/w1/events`, SECRET]);
  await userEvent.click(sheet.getByRole('button', { name: 'I have saved it' }));
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(document.body.textContent).not.toContain(SECRET);
  expect(changesIn(requests)).toEqual([
    [
      'POST',
      '/sources',
      { network: 'webhook', name: 'Desk', settings: { ...settings, platform: 'desk' } },
    ],
  ]);
});

test('a webhook can take posts as they are', async () => {
  const requests = open({ 'POST /api/v1/sources': () => revealed }, []);
  await openEditor();
  await userEvent.selectOptions(screen.getByLabelText('What is delivered'), 'posts');
  expect(screen.queryByLabelText('Text')).toBeNull();
  await press('Save source');
  await secretSheet();
  expect(changesIn(requests)).toEqual([
    ['POST', '/sources', { network: 'webhook', name: 'Desk', settings: {} }],
  ]);
});

test('a pointer that is none is shown at its field, and not sent', async () => {
  const requests = open();
  await openEditor();
  fill('Text', 'body');
  await press('Save source');
  screen.getByText(/^Begin with “\/”/);
  expect(screen.getByLabelText('Text').getAttribute('aria-invalid')).toBe('true');
  expect(changesIn(requests)).toEqual([]);
});

test('without a key on the server, the form says what to set', async () => {
  const message = 'this server has no key to encrypt secrets with; set GROUNDSWELL_SECRET_KEY';
  open({ 'POST /api/v1/sources': rejects(409, { code: 'no_secret_key', message }) });
  await openEditor();
  await press('Save source');
  expect((await screen.findByRole('alert')).textContent).toContain('set GROUNDSWELL_SECRET_KEY.');
});

test('editing keeps the mapping and reveals nothing', async () => {
  const requests = open({ 'PATCH /api/v1/sources/w1': () => desk });
  await press('Edit Desk');
  expect(screen.getByLabelText<HTMLInputElement>('Followers of the author').value).toBe('/by/fans');
  fill('Text', '/text');
  await press('Save source');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  const mapping = { ...settings.mapping, text: '/text' };
  expect(changesIn(requests)).toEqual([
    ['PATCH', '/sources/w1', { name: 'Desk', settings: { mapping } }],
  ]);
});

test('a secret is rotated after a confirmation, and the new one is shown', async () => {
  const requests = open({ 'POST /api/v1/sources/w1/rotate-secret': () => revealed });
  await press('Rotate secret of Desk');
  const dialog = within(screen.getByRole('alertdialog'));
  expect(changesIn(requests)).toEqual([]);
  await userEvent.click(dialog.getByRole('button', { name: 'Rotate secret' }));
  expect((await secretSheet()).secret).toBe(SECRET);
  expect(changesIn(requests)).toEqual([['POST', '/sources/w1/rotate-secret', null]]);
});

test('a rotation that fails says so, and can be tried again', async () => {
  let n_tries = 0;
  open({
    'POST /api/v1/sources/w1/rotate-secret': () =>
      (n_tries += 1) === 1
        ? rejects(503, { code: 'unavailable', message: 'PostgreSQL is unavailable' })()
        : revealed,
  });
  await press('Rotate secret of Desk');
  const dialog = within(screen.getByRole('alertdialog'));
  await userEvent.click(dialog.getByRole('button', { name: 'Rotate secret' }));
  await screen.findByText('The secret could not be rotated.');
  await press('Try again');
  await secretSheet();
});

test('a webhook that was deleted is restored with a new secret', async () => {
  let items: object[] = [desk];
  open({
    '/api/v1/sources': () => ({ items }),
    'DELETE /api/v1/sources/w1': () => {
      items = [];
      return new Response(null, { status: 204 });
    },
    'POST /api/v1/sources': () => ({ ...revealed, id: 'w2' }),
  });
  await press('Delete Desk');
  await userEvent.click(
    within(screen.getByRole('alertdialog')).getByRole('button', { name: 'Delete' }),
  );
  await press('Undo');
  expect((await secretSheet()).address).toContain('/sources/w2/events');
});
