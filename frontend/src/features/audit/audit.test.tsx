import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, test } from 'vitest';
import type { AuditEntry } from '@/api/identity';
import { AuditPanel } from '@/features/audit/components/audit-panel';
import { describeActor } from '@/features/audit/model/describe';
import { fromLocal, parseFilter, toLocal, type AuditFilter } from '@/features/audit/model/filter';
import { sampleUser } from '@/testing/people';
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

function open(search = {}, items = [entry]) {
  const requests = answerFetch({
    '/api/v1/audit': () => ({ items, next_cursor: null }),
    '/api/v1/users/u1': () => sampleUser(),
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
  await row.findByText('by Ana');
  row.getByText('on r1 · from 192.0.2.7 · no. 7');
  row.getByText(/2 Jan 2026, 12:00:00 UTC/);
  expect(row.getByText(/"threshold": 0\.5/).closest('details')?.open).toBe(false);
});

test('the filters of the address are applied, and changed together', async () => {
  const requests = open({ action: 'sign_in', from: '2026-01-01T00:00:00Z', to: 'soon' });
  await screen.findByRole('listitem');
  expect(asked(requests)).toEqual(['?action=sign_in&from=2026-01-01T00%3A00%3A00Z']);
  const form = within(screen.getByRole('form', { name: 'Filters' }));
  await userEvent.type(form.getByLabelText('Actor'), 'Ana');
  await userEvent.selectOptions(form.getByLabelText('Action'), 'Key created');
  expect(asked(requests)).toHaveLength(1);
  await userEvent.click(form.getByRole('button', { name: 'Apply filters' }));
  await waitFor(() => {
    const last = new URLSearchParams(asked(requests).at(-1));
    expect(Object.fromEntries(last)).toEqual({
      ...{ actor: 'Ana', action: 'key_created', from: '2026-01-01T00:00:00.000Z' },
    });
  });
  await userEvent.click(await screen.findByRole('button', { name: 'Remove filters' }));
  await waitFor(() => expect(asked(requests).at(-1)).toBe(''));
});

test('no matching entries are said', async () => {
  open({ actor: 'nobody' }, []);
  await screen.findByText('No matching entries');
});

test('a name that nobody verified stands in quotes', () => {
  const check = (changes: Partial<AuditEntry>, expected: string) =>
    expect(describeActor({ ...entry, ...changes }, () => null)).toBe(expected);
  check({}, 'user u1');
  check({ actor_kind: 'api_key', actor_id: 'k1' }, 'API key k1');
  check({ actor_kind: 'operator', actor_id: null, actor_name: 'Ana' }, 'the operator (“Ana”)');
  check({ actor_kind: 'system', actor_id: null }, 'Groundswell');
});

test('times survive the form unchanged', () => {
  expect(toLocal('2026-01-02T12:00:00Z')).toBe('2026-01-02T12:00');
  expect(fromLocal('2026-01-02T12:00')).toBe('2026-01-02T12:00:00.000Z');
  expect([toLocal(undefined), fromLocal('')]).toEqual(['', undefined]);
});
