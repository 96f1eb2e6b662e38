import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import type { Session } from '@/api/identity';
import { AccountMenu } from '@/features/account/components/account-menu';
import { PasswordPanel } from '@/features/account/components/password-panel';
import { SessionsPanel } from '@/features/account/components/sessions-panel';
import { access } from '@/lib/access';
import { sampleMe, sampleUser } from '@/testing/people';
import { answerFetch, invalidField, renderWithQueries } from '@/testing/render';

const done = () => new Response(null, { status: 204 });

const press = async (name: string) => userEvent.click(await screen.findByRole('button', { name }));

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36';
const FIREFOX = 'Mozilla/5.0 (Android 16; Mobile; rv:140.0) Firefox/140.0';

const session = (changes: Partial<Session>): Session => ({
  id: 's1',
  user: 'u1',
  created_at: '2026-01-02T08:00:00Z',
  last_seen_at: new Date(Date.now() - 60_000).toISOString(),
  address: '192.0.2.7',
  agent: CHROME,
  is_current: true,
  ...changes,
});

test('the menu says who is signed in, and signs them out', async () => {
  const requests = answerFetch({ 'POST /api/v1/auth/logout': done });
  const onSignedOut = vi.fn();
  const me = sampleMe('analyst');
  renderWithQueries(<AccountMenu me={me} user={me.user!} onSignedOut={onSignedOut} />);
  const menu = within(screen.getByRole('dialog', { name: 'Account: Ana' }));
  menu.getByText('ana@example.com');
  menu.getByText('analyst');
  expect(menu.queryByRole('link', { name: 'Administration' })).toBeNull();
  await press('Sign out');
  await waitFor(() => expect(onSignedOut).toHaveBeenCalledOnce());
  expect(requests.map(({ url }) => url.pathname)).toEqual(['/api/v1/auth/logout']);
});

test('only an admin finds the administration', () => {
  const me = sampleMe('admin');
  renderWithQueries(<AccountMenu me={me} user={me.user!} onSignedOut={vi.fn()} />);
  screen.getByRole('link', { name: 'Administration' });
});

test('a person who could not be signed out is told so', async () => {
  answerFetch({ 'POST /api/v1/auth/logout': () => new Response('{}', { status: 503 }) });
  const onSignedOut = vi.fn();
  renderWithQueries(
    <AccountMenu me={sampleMe('viewer')} user={sampleUser()} onSignedOut={onSignedOut} />,
  );
  await press('Sign out');
  await screen.findByText('You are still signed in.');
  expect(onSignedOut).not.toHaveBeenCalled();
});

test('the sessions are listed, the latest first, and other ones are ended', async () => {
  let items = [
    session({ id: 's2', agent: FIREFOX, address: null, is_current: false }),
    session({ last_seen_at: new Date().toISOString() }),
  ];
  const requests = answerFetch({
    '/api/v1/sessions': () => ({ items }),
    'DELETE /api/v1/sessions/s2': () => {
      items = items.slice(1);
      return done();
    },
  });
  renderWithQueries(<SessionsPanel />);
  const list = within(await screen.findByRole('list', { name: 'Sessions' }));
  const [first, second] = await list.findAllByRole('listitem');
  within(first!).getByText('this device');
  expect(within(first!).queryByRole('button')).toBeNull();
  within(second!).getByText('Firefox on Android');
  await press('Sign out: Firefox on Android');
  await waitFor(() => expect(list.getAllByRole('listitem')).toHaveLength(1));
  expect(screen.queryByRole('button', { name: 'Sign out all others' })).toBeNull();
  expect(requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
});

test('all other sessions are ended at once', async () => {
  const ended: string[] = [];
  answerFetch({
    '/api/v1/sessions': () => ({
      items: ['s1', 's2', 's3'].map((id) => session({ id, is_current: id === 's1' })),
    }),
    'DELETE /api/v1/sessions/s2': () => (ended.push('s2'), done()),
    'DELETE /api/v1/sessions/s3': () => (ended.push('s3'), done()),
  });
  renderWithQueries(<SessionsPanel />);
  await press('Sign out all others');
  await waitFor(() => expect(ended.toSorted()).toEqual(['s2', 's3']));
});

test('the password is changed, and what is wrong is shown beside its field', async () => {
  let n_calls = 0;
  const wrong = { code: 'invalid', message: 'the current password is wrong' };
  const requests = answerFetch({
    'POST /api/v1/auth/password': () =>
      (n_calls += 1) === 1
        ? new Response(JSON.stringify({ error: { ...wrong, details: { field: 'current' } } }), {
            status: 422,
          })
        : done(),
  });
  renderWithQueries(<PasswordPanel email="ana@example.com" />);
  const [current, next] = [
    screen.getByLabelText('Current password'),
    screen.getByLabelText('New password'),
  ];
  await userEvent.type(current, 'wrong');
  await userEvent.type(next, 'four unrelated words');
  await press('Change password');
  await screen.findByText('The current password is wrong.');
  expect(current.getAttribute('aria-invalid')).toBe('true');
  expect(access.isLocked()).toBe(false);
  await userEvent.clear(current);
  await userEvent.type(current, 'right');
  await press('Change password');
  await screen.findByText('Your password is changed. Your other sessions have ended.');
  expect(requests.at(-1)!.body).toEqual({ current: 'right', new: 'four unrelated words' });
});

test('an error of no field is shown in the form of the password', async () => {
  answerFetch({ 'POST /api/v1/auth/password': () => invalidField('', 'the body is too large') });
  renderWithQueries(<PasswordPanel email="ana@example.com" />);
  await userEvent.type(screen.getByLabelText('Current password'), 'right');
  await userEvent.type(screen.getByLabelText('New password'), 'four unrelated words');
  await press('Change password');
  expect((await screen.findByRole('alert')).textContent).toContain('The body is too large.');
});
