import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { ApiKey, Client } from '@/api/identity';
import { ClientsPanel } from '@/features/keys/components/clients-panel';
import { KeysPanel } from '@/features/keys/components/keys-panel';
import { readClient, readKey } from '@/features/keys/model/draft';
import { sampleMe } from '@/testing/people';
import { answerFetch, invalidField, renderWithQueries } from '@/testing/render';

const NOON = Date.parse('2026-01-02T12:00:00Z');

const key: ApiKey = {
  id: 'k1',
  owner: 'u1',
  name: 'Import',
  scopes: ['ingest'],
  created_at: '2026-01-02T08:00:00Z',
  created_by: 'Ana',
  expires_at: null,
  last_used_at: new Date(Date.now() - 3 * 3_600_000).toISOString(),
  revoked_at: null,
  rotated_from: null,
};

const client: Client = {
  id: 'c1',
  name: 'Warehouse',
  role: 'viewer',
  scopes: ['read'],
  plan: 'pro',
  created_at: '2026-01-02T08:00:00Z',
  created_by: 'Ana',
  last_used_at: null,
  previous_secret_expires_at: null,
};

const done = () => new Response(null, { status: 204 });

const press = async (name: string) => userEvent.click(await screen.findByRole('button', { name }));

function openKeys(extra: Parameters<typeof answerFetch>[0] = {}) {
  const requests = answerFetch({ '/api/v1/api-keys': () => ({ items: [key] }), ...extra });
  renderWithQueries(<KeysPanel me={sampleMe('analyst')} />);
  return requests;
}

const sentIn = (requests: ReturnType<typeof openKeys>) =>
  requests
    .filter(({ method }) => method !== 'GET')
    .map(({ method, url, body }) => [method, url.pathname.replace('/api/v1', ''), body]);

test('a key is listed with its scopes, expiry and use', async () => {
  openKeys();
  const row = within(await screen.findByRole('listitem'));
  row.getByText('ingest');
  row.getByText(/does not expire · last used 3 h ago$/);
});

test('a revoked key can only be looked at', async () => {
  openKeys({
    '/api/v1/api-keys': () => ({ items: [{ ...key, revoked_at: '2026-01-03T08:00:00Z' }] }),
  });
  const row = within(await screen.findByRole('listitem'));
  row.getByText('revoked');
  expect(row.getAllByRole('button').map(({ textContent }) => textContent)).toEqual(['Usage']);
});

test('a key is created within the scopes of the person, and shown once', async () => {
  const requests = openKeys({
    'POST /api/v1/api-keys': () => ({ ...key, id: 'k2', name: 'Export', key: 'gsk_1_s3cret' }),
  });
  await press('New key');
  const form = within(screen.getByRole('form', { name: 'Key' }));
  expect(form.queryByRole('checkbox', { name: /^admin/ })).toBeNull();
  await userEvent.click(form.getByRole('checkbox', { name: /^ingest/ }));
  await press('Save key');
  form.getByText('Enter a name.');
  form.getByText('Choose at least one scope.');
  await userEvent.type(form.getByLabelText('Name'), 'Export');
  await userEvent.click(form.getByRole('checkbox', { name: /^read/ }));
  await userEvent.selectOptions(form.getByLabelText('Expires after'), 'Never expires');
  await press('Save key');
  const sheet = within(await screen.findByRole('dialog', { name: 'Key “Export”' }));
  sheet.getByText('gsk_1_s3cret');
  await press('I have saved it');
  expect(screen.queryByText('gsk_1_s3cret')).toBeNull();
  expect(sentIn(requests)).toEqual([['POST', '/api-keys', { name: 'Export', scopes: ['read'] }]]);
});

test('a key is rotated with an overlap', async () => {
  const requests = openKeys({
    'POST /api/v1/api-keys/k1/rotate': () => ({ ...key, id: 'k2', key: 'gsk_2_s3cret' }),
  });
  await press('Rotate Import');
  const form = within(screen.getByRole('form', { name: 'Rotate Import' }));
  await userEvent.selectOptions(form.getByRole('combobox'), '1 hour');
  await userEvent.click(form.getByRole('button', { name: 'Rotate' }));
  await screen.findByText('gsk_2_s3cret');
  expect(sentIn(requests)).toEqual([['POST', '/api-keys/k1/rotate', { overlap_seconds: 3_600 }]]);
});

test('a key is revoked after a confirmation', async () => {
  const requests = openKeys({ 'DELETE /api/v1/api-keys/k1': done });
  await press('Revoke Import');
  expect(sentIn(requests)).toEqual([]);
  await userEvent.click(
    within(screen.getByRole('alertdialog')).getByRole('button', { name: 'Revoke' }),
  );
  await waitFor(() => expect(sentIn(requests)).toEqual([['DELETE', '/api-keys/k1', null]]));
});

test('the use of a key is asked for once somebody looks', async () => {
  const requests = openKeys({
    '/api/v1/api-keys/k1/usage': () => ({
      last_used_at: null,
      days: [{ day: '2026-01-02', n_calls: 1_204 }],
    }),
  });
  await screen.findByRole('listitem');
  expect(requests.some(({ url }) => url.pathname.endsWith('/usage'))).toBe(false);
  await press('Usage of Import');
  const table = within(await screen.findByRole('table', { name: 'Calls with Import by day' }));
  table.getByRole('cell', { name: '1,204' });
});

test('a client is created, and its secret shown once', async () => {
  const requests = answerFetch({
    '/api/v1/clients': () => ({ items: [client] }),
    'POST /api/v1/clients': () => ({ ...client, client_secret: 's3cret' }),
  });
  renderWithQueries(<ClientsPanel />);
  await press('New client');
  const form = within(screen.getByRole('form', { name: 'Client' }));
  await userEvent.type(form.getByLabelText('Name'), 'Warehouse');
  await userEvent.selectOptions(form.getByLabelText('Role'), 'Analyst');
  await userEvent.click(form.getByRole('checkbox', { name: /^ingest/ }));
  await press('Save client');
  const sheet = within(await screen.findByRole('dialog', { name: 'Client “Warehouse”' }));
  sheet.getByText('s3cret');
  expect(sentIn(requests)).toEqual([
    [
      ...['POST', '/clients'],
      { name: 'Warehouse', role: 'analyst', plan: 'free', scopes: ['read', 'ingest'] },
    ],
  ]);
});

test('drafts are converted, and scopes beyond a role are left out', () => {
  const { value } = readKey({ name: ' a ', scopes: ['read'], lifetime: '30' }, NOON);
  expect(value).toEqual({ name: 'a', scopes: ['read'], expires_at: '2026-02-01T12:00:00.000Z' });
  const draft = { name: '', role: 'viewer', plan: 'free', scopes: ['write'] } as const;
  expect(readClient({ ...draft, scopes: ['write'] })).toEqual({
    value: { name: '', role: 'viewer', plan: 'free', scopes: [] },
    problems: { name: 'Enter a name.', scopes: 'Choose at least one scope.' },
  });
});

test('a key that has expired says since when', async () => {
  const expired = { ...key, expires_at: '2026-01-01T08:00:00Z' };
  openKeys({ '/api/v1/api-keys': () => ({ items: [expired] }) });
  const row = within(await screen.findByRole('listitem'));
  row.getByText('expired');
  row.getByText(/ · expired 1 Jan 2026, 08:00 · /);
});

test('an admin is told that the keys are those of everyone', async () => {
  answerFetch({ '/api/v1/api-keys': () => ({ items: [key] }) });
  renderWithQueries(<KeysPanel me={sampleMe('admin')} />);
  await screen.findByText('of everyone, for programs');
});

test('an expiry that the server refuses is shown at its input', async () => {
  openKeys({
    'POST /api/v1/api-keys': () => invalidField('expires_at', 'a key lasts at most 60 days'),
  });
  await press('New key');
  const form = within(screen.getByRole('form', { name: 'Key' }));
  await userEvent.type(form.getByLabelText('Name'), 'Export');
  await press('Save key');
  const message = await form.findByText('A key lasts at most 60 days.');
  const input = form.getByLabelText('Expires after');
  expect(input.getAttribute('aria-invalid')).toBe('true');
  expect(input.getAttribute('aria-describedby')).toBe(message.id);
  expect(form.queryByRole('alert')).toBeNull();
});

test('an error of no field is shown in the forms of keys and clients', async () => {
  openKeys({
    'POST /api/v1/api-keys': () => invalidField('', 'there are too many keys'),
    '/api/v1/clients': () => ({ items: [client] }),
    'POST /api/v1/clients': () => invalidField('', 'there are too many clients'),
  });
  await press('New key');
  const keyForm = within(screen.getByRole('form', { name: 'Key' }));
  await userEvent.type(keyForm.getByLabelText('Name'), 'Export');
  await press('Save key');
  expect((await keyForm.findByRole('alert')).textContent).toContain('There are too many keys.');
  await press('Cancel');
  renderWithQueries(<ClientsPanel />);
  await press('New client');
  const form = within(screen.getByRole('form', { name: 'Client' }));
  await userEvent.type(form.getByLabelText('Name'), 'Export');
  await press('Save client');
  expect((await form.findByRole('alert')).textContent).toContain('There are too many clients.');
});
