import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, test } from 'vitest';
import type { AuditEntry } from '@/api/identity';
import { AuditPanel } from '@/features/audit/components/audit-panel';
import { describeActor } from '@/features/audit/model/describe';
import { fromLocal, parseFilter, toLocal, type AuditFilter } from '@/features/audit/model/filter';
import { sampleMe, sampleUser } from '@/testing/people';
import { answerFetch, renderWithQueries } from '@/testing/render';

const entry: AuditEntry = {
  id: 'a1',
  created_at: '2026-01-02T12:00:00Z',
  action: 'alert_rule_changed',
  actor_kind: 'user',
  actor_id: 'u1',
  actor_name: null,
  object: 'r1',
  ip_address: '192.0.2.7',
  payload: { before: { threshold: 0.4 }, after: { threshold: 0.5 } },
  seq: 7,
};

function Page({ search }: { search: Record<string, unknown> }) {
  const [filter, setFilter] = useState<AuditFilter>(() => parseFilter(search));
  return <AuditPanel filter={filter} onChange={setFilter} />;
}

/** Answers what the panel requests, and counts what it asks for. */
function open(search = {}, items = [entry]) {
  const list = (of: unknown[]) => () => ({ items: of, next_cursor: null });
  const requests = answerFetch({
    '/api/v1/audit': list(items),
    '/api/v1/auth/me': () => sampleMe('admin'),
    '/api/v1/users': list([
      sampleUser(),
      sampleUser({ id: 'u2', email: 'ben@example.com', name: null }),
    ]),
    '/api/v1/api-keys': list([{ id: 'k1', name: 'Shop import' }]),
    '/api/v1/clients': list([{ id: 'c1', name: 'Data warehouse' }]),
  });
  renderWithQueries(<Page search={search} />);
  return requests;
}

const asked = (requests: ReturnType<typeof open>) =>
  requests.filter(({ url }) => url.pathname === '/api/v1/audit').map(({ url }) => url.search);

test('an entry says who did what, on what, from where and when', async () => {
  open();
  const row = within(await screen.findByRole('listitem'));
  row.getByText('Alert rule changed');
  await row.findByRole('button', { name: 'Ana' });
  row.getByText(/from 192\.0\.2\.7 · no\. 7/);
  row.getByText(/2 Jan 2026, 12:00:00 UTC/);
  expect(row.getByText(/"threshold": 0\.5/).closest('details')?.open).toBe(false);
});

test('the filters of the address are applied, and changed together', async () => {
  const requests = open({ action: 'sign_in', from: '2026-01-01T00:00:00Z', to: 'soon' });
  await screen.findByRole('listitem');
  expect(asked(requests)).toEqual(['?action=sign_in&from=2026-01-01T00%3A00%3A00Z']);
  const form = within(screen.getByRole('form', { name: 'Filters' }));
  await userEvent.type(form.getByLabelText('Actor'), 'operator');
  await userEvent.selectOptions(form.getByLabelText('Action'), 'Key created');
  expect(asked(requests)).toHaveLength(1);
  await userEvent.click(form.getByRole('button', { name: 'Apply filters' }));
  await waitFor(() => {
    const last = new URLSearchParams(asked(requests).at(-1));
    expect(Object.fromEntries(last)).toEqual({
      ...{ actor: 'operator', action: 'key_created', from: '2026-01-01T00:00:00.000Z' },
    });
  });
  await userEvent.click(await screen.findByRole('button', { name: 'Remove filters' }));
  await waitFor(() => expect(asked(requests).at(-1)).toBe(''));
});

test('no matching entries are said', async () => {
  open({ actor: 'nobody' }, []);
  await screen.findByText('No matching entries');
});

test('people, keys and clients are named by one request for each list', async () => {
  const signIn = (id: string, actor_id: string) => ({
    ...{ ...entry, id, action: 'sign_in', actor_id, object: 's1' },
  });
  const requests = open({}, [
    ...[signIn('a1', 'u1'), signIn('a2', 'u2'), signIn('a3', 'u3-who-is-archived')],
    { ...entry, id: 'a4', actor_kind: 'api_key', actor_id: 'k1', object: 'u2' },
    { ...entry, id: 'a5', actor_kind: 'client', actor_id: 'c1', object: 'u2' },
  ]);
  await screen.findByRole('button', { name: 'Ana' });
  const names = screen.getAllByRole('listitem').map((row) => within(row).getAllByRole('button'));
  expect(names.map((row) => row.map(({ textContent }) => textContent))).toEqual([
    ['Ana', 's1'],
    ['ben@example.com', 's1'],
    ['user …archived', 's1'],
    ['API key “Shop import”', 'ben@example.com'],
    ['client “Data warehouse”', 'ben@example.com'],
  ]);
  expect(screen.getByText('user …archived').title).toContain('u3-who-is-archived');
  const listed = requests.map(({ url }) => url.pathname).filter((path) => !/audit|me$/.test(path));
  expect(listed.toSorted()).toEqual(['/api/v1/api-keys', '/api/v1/clients', '/api/v1/users']);
});

test('a press on an actor or an object shows only their entries', async () => {
  const requests = open();
  await userEvent.click(await screen.findByRole('button', { name: 'Ana' }));
  await waitFor(() => expect(asked(requests).at(-1)).toBe('?actor=u1'));
  await userEvent.click(await screen.findByRole('button', { name: 'r1' }));
  await waitFor(() => expect(asked(requests).at(-1)).toBe('?actor=u1&object=r1'));
});

test('the filter by a name or address also finds entries without a name, such as sign-ins', async () => {
  const requests = open({ actor: 'ana@example.com' });
  await waitFor(() => expect(asked(requests).at(-1)).toBe('?actor=ana%40example.com&actor=u1'));
});

test('an actor has a name, or else the end of an id', () => {
  const known = new Map([['k1', { id: 'k1', name: 'Shop import' }]]);
  const check = (changes: Partial<AuditEntry>, expected: string) =>
    expect(describeActor({ ...entry, ...changes }, known)).toBe(expected);
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  check({}, 'user u1');
  check({ actor_name: 'Ana as she was' }, 'Ana as she was');
  check({ actor_kind: 'api_key', actor_id: 'k1' }, 'API key “Shop import”');
  check({ actor_kind: 'api_key', actor_id: id }, 'API key …099a8057');
  check({ actor_kind: 'client', actor_id: id, actor_name: `client ${id}` }, 'client …099a8057');
  check({ actor_kind: 'share_holder', actor_id: id }, 'the holder of a share link …099a8057');
  check({ actor_kind: 'operator', actor_id: null, actor_name: 'Ana' }, 'the operator (“Ana”)');
  check({ actor_kind: 'system', actor_id: null }, 'Groundswell');
});

test('times survive the form unchanged', () => {
  expect(toLocal('2026-01-02T12:00:00Z')).toBe('2026-01-02T12:00');
  expect(fromLocal('2026-01-02T12:00')).toBe('2026-01-02T12:00:00.000Z');
  expect([toLocal(undefined), fromLocal('')]).toEqual(['', undefined]);
});
