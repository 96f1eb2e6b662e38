import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { Invitation } from '@/api/identity';
import { InvitationsPanel } from '@/features/users/components/invitations-panel';
import { UsersPanel } from '@/features/users/components/users-panel';
import { sampleUser } from '@/testing/people';
import { answerFetch, invalidField, renderWithQueries } from '@/testing/render';

const ana = sampleUser({ role: 'admin' });
const ben = sampleUser({ id: 'u2', email: 'ben@example.com', name: null, role: 'viewer' });

const done = () => new Response(null, { status: 204 });

const press = async (name: string) => userEvent.click(await screen.findByRole('button', { name }));

const confirm = (name: string) =>
  userEvent.click(within(screen.getByRole('alertdialog')).getByRole('button', { name }));

function openUsers(extra: Parameters<typeof answerFetch>[0] = {}) {
  const requests = answerFetch({ '/api/v1/users': () => ({ items: [ana, ben] }), ...extra });
  renderWithQueries(<UsersPanel />);
  return requests;
}

const sentIn = (requests: ReturnType<typeof openUsers>) =>
  requests
    .filter(({ method }) => method !== 'GET')
    .map(({ method, url, body }) => [method, url.pathname.replace('/api/v1', ''), body]);

test('accounts are listed with role, plan and last sign-in', async () => {
  openUsers();
  const [first, second] = await screen.findAllByRole('listitem');
  within(first!).getByText('Ana');
  within(first!).getByText('admin');
  within(first!).getByText('you');
  within(second!).getByText('ben@example.com');
  within(second!).getByText(/never signed in$/);
});

test('the next page of a long list is loaded on demand', async () => {
  openUsers({
    '/api/v1/users': (url) =>
      url.searchParams.get('cursor') === null
        ? { items: [ana], next_cursor: 'c1' }
        : { items: [ben], next_cursor: null },
  });
  await press('Show more');
  await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(2));
  expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
});

test('a role and a plan are changed', async () => {
  const requests = openUsers({ 'PATCH /api/v1/users/u2': () => ben });
  await press('Edit ben@example.com');
  const form = within(screen.getByRole('form', { name: 'User' }));
  await userEvent.selectOptions(form.getByLabelText('Role'), 'Analyst');
  await press('Save user');
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
  expect(sentIn(requests)).toEqual([
    ['PATCH', '/users/u2', { name: null, role: 'analyst', plan: 'pro' }],
  ]);
});

test('the last admin stays, and the reason is said', async () => {
  const lastAdmin = { code: 'last_admin', message: 'there would be no admin left' };
  openUsers({
    'PATCH /api/v1/users/u1': () =>
      new Response(JSON.stringify({ error: lastAdmin }), { status: 409 }),
  });
  await press('Disable Ana');
  await confirm('Disable');
  await screen.findByText(/There would be no admin left\./);
});

test('a person is signed out everywhere, disabled and archived', async () => {
  const requests = openUsers({
    'POST /api/v1/users/u2/sign-out': done,
    'PATCH /api/v1/users/u2': () => ({ ...ben, is_active: false }),
    'DELETE /api/v1/users/u2': done,
  });
  await press('Sign out ben@example.com');
  await confirm('Sign out');
  await screen.findByText('ben@example.com is signed out everywhere.');
  await press('Disable ben@example.com');
  await confirm('Disable');
  await press('Archive ben@example.com');
  await confirm('Archive');
  await waitFor(() =>
    expect(sentIn(requests)).toEqual([
      ['POST', '/users/u2/sign-out', null],
      ['PATCH', '/users/u2', { is_active: false }],
      ['DELETE', '/users/u2', null],
    ]),
  );
});

test('a reset link is shown once, with its token in the fragment', async () => {
  const link = '/password-reset#r3s3t';
  openUsers({
    'POST /api/v1/users/u2/password-reset': () => ({
      ...{ token: 'r3s3t', link, expires_at: '2026-01-03T08:00:00Z' },
    }),
  });
  await press('Reset link for ben@example.com');
  await screen.findByText(`${window.location.origin}${link}`);
  await press('I have saved it');
  expect(screen.queryByText(/r3s3t/)).toBeNull();
});

const invitation: Invitation = {
  id: 'i1',
  email: 'dora@example.com',
  role: 'analyst',
  plan: 'free',
  created_at: '2026-01-02T08:00:00Z',
  created_by: 'Ana',
  expires_at: '2026-01-09T08:00:00Z',
};

test('somebody is invited, and the invitation revoked', async () => {
  const requests = answerFetch({
    '/api/v1/invitations': () => ({ items: [invitation] }),
    'POST /api/v1/invitations': () => ({
      ...invitation,
      ...{ token: '1nv1t3', link: 'https://dash.example/invitation#1nv1t3', mailed: true },
    }),
    'DELETE /api/v1/invitations/i1': done,
  });
  renderWithQueries(<InvitationsPanel />);
  await press('Invite');
  const form = within(screen.getByRole('form', { name: 'Invitation' }));
  await userEvent.type(form.getByLabelText('Email address'), 'dora');
  await press('Save invitation');
  form.getByText('Enter an email address.');
  await userEvent.type(form.getByLabelText('Email address'), '@example.com');
  await userEvent.selectOptions(form.getByLabelText('Role'), 'Analyst');
  await press('Save invitation');
  await screen.findByText('https://dash.example/invitation#1nv1t3');
  screen.getByText(/^It is also mailed to the person\./);
  await press('I have saved it');
  await press('Revoke the invitation for dora@example.com');
  await confirm('Revoke');
  await waitFor(() =>
    expect(sentIn(requests)).toEqual([
      ['POST', '/invitations', { email: 'dora@example.com', role: 'analyst', plan: 'free' }],
      ['DELETE', '/invitations/i1', null],
    ]),
  );
});

test('the buttons of an account wrap in groups, so that none is alone on a phone', async () => {
  openUsers();
  const groupOf = async (name: string) =>
    (await screen.findByRole('button', { name })).parentElement;
  const group = await groupOf('Archive Ana');
  expect(group).toBe(await groupOf('Disable Ana'));
  expect(group).not.toBe(await groupOf('Sign out Ana'));
  expect(group!.className).not.toContain('wrap');
});

test('an error of no field is shown in the forms of users and invitations', async () => {
  answerFetch({
    '/api/v1/users': () => ({ items: [ben] }),
    'PATCH /api/v1/users/u2': () => invalidField('', 'the user is not as it was'),
    '/api/v1/invitations': () => ({ items: [] }),
    'POST /api/v1/invitations': () => invalidField('', 'the domain is not allowed'),
  });
  const { unmount } = renderWithQueries(<UsersPanel />);
  await press('Edit ben@example.com');
  await press('Save user');
  const user = within(screen.getByRole('form', { name: 'User' }));
  expect((await user.findByRole('alert')).textContent).toContain('The user is not as it was.');
  unmount();
  renderWithQueries(<InvitationsPanel />);
  await press('Invite');
  const form = within(screen.getByRole('form', { name: 'Invitation' }));
  await userEvent.type(form.getByLabelText('Email address'), 'dora@example.com');
  await press('Save invitation');
  expect((await form.findByRole('alert')).textContent).toContain('The domain is not allowed.');
});
