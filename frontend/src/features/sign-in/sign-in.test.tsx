import { act, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import { ForgotPassword } from '@/features/sign-in/components/forgot-password';
import { Invitation } from '@/features/sign-in/components/invitation';
import { ResetPassword } from '@/features/sign-in/components/reset-password';
import { SetUp } from '@/features/sign-in/components/set-up';
import { SignInForm } from '@/features/sign-in/components/sign-in-form';
import { access } from '@/lib/access';
import { sampleMe } from '@/testing/people';
import { answerFetch, invalidField, renderWithQueries } from '@/testing/render';

afterEach(() => {
  sessionStorage.clear();
  access.signIn();
});

const LOGIN = 'POST /api/v1/auth/login';
const PASSWORD = 'four unrelated words';

const rejects =
  (status: number, error: object, headers: Record<string, string> = {}) =>
  () =>
    new Response(JSON.stringify({ error }), { status, headers });

const press = (name: string) => userEvent.click(screen.getByRole('button', { name }));

async function signIn() {
  await userEvent.type(screen.getByLabelText('Email address'), 'ana@example.com');
  await userEvent.type(screen.getByLabelText('Password'), PASSWORD);
  await press('Sign in');
}

test('somebody signs in, and a token that the tab has no longer takes precedence', async () => {
  access.unlock('s3cret');
  access.lock();
  const me = sampleMe('analyst');
  const requests = answerFetch({ [LOGIN]: () => me });
  const onSignedIn = vi.fn();
  renderWithQueries(<SignInForm onSignedIn={onSignedIn} />);
  await signIn();
  await waitFor(() => expect(onSignedIn).toHaveBeenCalledOnce());
  expect(requests).toHaveLength(1);
  expect(requests[0]!.body).toEqual({ email: 'ana@example.com', password: PASSWORD });
  expect(requests[0]!.authorization).toBeNull();
  expect([access.token(), access.isLocked()]).toEqual([null, false]);
  expect(sessionStorage.length).toBe(0);
});

test('password managers find the fields', () => {
  renderWithQueries(<SignInForm onSignedIn={vi.fn()} />);
  const attributes = (label: string) => {
    const field = screen.getByLabelText(label);
    return ['type', 'name', 'autocomplete'].map((name) => field.getAttribute(name));
  };
  expect(attributes('Email address')).toEqual(['email', 'email', 'username']);
  expect(attributes('Password')).toEqual(['password', 'password', 'current-password']);
});

test('nothing is sent before both fields are filled in', async () => {
  const requests = answerFetch({});
  renderWithQueries(<SignInForm onSignedIn={vi.fn()} />);
  await press('Sign in');
  screen.getByText('Enter an email address.');
  screen.getByText('Enter your password.');
  expect(requests).toEqual([]);
});

test('a wrong password is said, and does not lock the page', async () => {
  answerFetch({ [LOGIN]: rejects(401, { code: 'wrong_credentials', message: 'wrong' }) });
  renderWithQueries(<SignInForm onSignedIn={vi.fn()} />);
  await signIn();
  await screen.findByText('The email address or the password is wrong.');
  expect(access.isLocked()).toBe(false);
});

test('after many attempts, the next one waits for as long as the server says', async () => {
  let n_calls = 0;
  const wait = rejects(
    429,
    { code: 'too_many_attempts', message: 'wait' },
    { 'retry-after': '20' },
  );
  answerFetch({ [LOGIN]: () => ((n_calls += 1) === 1 ? wait() : sampleMe('viewer')) });
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
  const onSignedIn = vi.fn();
  renderWithQueries(<SignInForm onSignedIn={onSignedIn} />);
  await user.type(screen.getByLabelText('Email address'), 'ana@example.com');
  await user.type(screen.getByLabelText('Password'), `${PASSWORD}{Enter}`);
  await screen.findByText('Too many attempts. Wait a moment before the next one.');
  const button = screen.getByRole('button', { name: /^Sign in in \d+ s$/ });
  expect(button.hasAttribute('disabled')).toBe(true);
  await user.type(screen.getByLabelText('Password'), '{Enter}');
  expect(n_calls).toBe(1);
  act(() => vi.advanceTimersByTime(21_000));
  await user.click(await screen.findByRole('button', { name: 'Sign in' }));
  await vi.waitFor(() => expect(onSignedIn).toHaveBeenCalledOnce());
});

test.each([
  [503, 'The server cannot sign anybody in right now. Try again soon.'],
  [500, 'Something broke.'],
])('a server that answers %s is not reported as a wrong password', async (status, words) => {
  answerFetch({ [LOGIN]: rejects(status, { code: 'x', message: 'something broke' }) });
  renderWithQueries(<SignInForm onSignedIn={vi.fn()} />);
  await signIn();
  await screen.findByText(words);
});

test('an unreachable server is not reported as a wrong password', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed to fetch')));
  renderWithQueries(<SignInForm onSignedIn={vi.fn()} />);
  await signIn();
  await screen.findByText('The server is not responding. Check your connection.');
});

test('somebody who signs in again only enters the password', () => {
  renderWithQueries(<SignInForm knownEmail="ana@example.com" onSignedIn={vi.fn()} />);
  expect(screen.getByLabelText<HTMLInputElement>('Email address').value).toBe('ana@example.com');
  expect(document.activeElement).toBe(screen.getByLabelText('Password'));
});

test('a forgotten password is answered in the same words for every address', async () => {
  const requests = answerFetch({
    'POST /api/v1/auth/password-reset': () => new Response(null, { status: 202 }),
  });
  renderWithQueries(<ForgotPassword />);
  await userEvent.type(screen.getByLabelText('Email address'), 'ana@example.com');
  await press('Send link');
  await screen.findByText(/^If ana@example\.com has an account, a link is on its way\./);
  expect(requests[0]!.body).toEqual({ email: 'ana@example.com' });
});

test('the token of a link sets a new password', async () => {
  const requests = answerFetch({
    'PUT /api/v1/auth/password-reset': () => new Response(null, { status: 204 }),
  });
  renderWithQueries(<ResetPassword token="r3s3t" />);
  await userEvent.type(screen.getByLabelText('New password'), 'too short');
  await press('Set password');
  screen.getByText('Use at least 12 characters.');
  expect(requests).toEqual([]);
  await userEvent.clear(screen.getByLabelText('New password'));
  await userEvent.type(screen.getByLabelText('New password'), PASSWORD);
  await press('Set password');
  await screen.findByText('Your password is changed, and all your sessions have ended.');
  expect(requests[0]!.body).toEqual({ token: 'r3s3t', password: PASSWORD });
});

test('a link without its token says so', () => {
  renderWithQueries(<ResetPassword token="" />);
  screen.getByRole('heading', { name: 'This link is incomplete' });
  screen.getByRole('link', { name: 'Go to sign in' });
});

test('a link that no longer sets a password leads to another one', async () => {
  const ended = { code: 'link_ended', message: 'the link has expired' };
  answerFetch({
    'PUT /api/v1/auth/password-reset': () =>
      new Response(JSON.stringify({ error: ended }), { status: 409 }),
  });
  renderWithQueries(<ResetPassword token="r3s3t" />);
  await userEvent.type(screen.getByLabelText('New password'), PASSWORD);
  await press('Set password');
  await screen.findByText('The link has expired.');
  const link = screen.getByRole('link', { name: 'Get another link' });
  expect(link.getAttribute('href')).toBe('/forgot-password');
});

test('an invitation creates an account', async () => {
  const me = sampleMe('viewer');
  const requests = answerFetch({
    'POST /api/v1/auth/invitation': () => me.user,
    [LOGIN]: () => me,
  });
  const onSignedIn = vi.fn();
  renderWithQueries(<Invitation token="1nv1t3" onSignedIn={onSignedIn} />);
  await userEvent.type(screen.getByLabelText('Your name'), ' Ana  Müller ');
  await userEvent.type(screen.getByLabelText('Password'), PASSWORD);
  await press('Create account');
  await waitFor(() => expect(onSignedIn).toHaveBeenCalledOnce());
  expect(requests.map(({ body }) => body)).toEqual([
    { token: '1nv1t3', name: 'Ana Müller', password: PASSWORD },
    { email: 'ana@example.com', password: PASSWORD },
  ]);
});

test('an account that is created is not denied if signing in fails', async () => {
  answerFetch({
    'POST /api/v1/auth/invitation': () => sampleMe('viewer').user,
    [LOGIN]: rejects(503, { code: 'unavailable', message: 'Redis is unavailable' }),
  });
  renderWithQueries(<Invitation token="1nv1t3" onSignedIn={vi.fn()} />);
  await userEvent.type(screen.getByLabelText('Password'), PASSWORD);
  await press('Create account');
  await screen.findByRole('heading', { name: 'Your account is created' });
});

test('the code from the log creates the first account', async () => {
  const requests = answerFetch({
    '/api/v1/auth/state': () => ({ setup_required: true, sign_in_required: false }),
    'POST /api/v1/auth/setup': () => sampleMe('admin'),
  });
  const onSignedIn = vi.fn();
  renderWithQueries(<SetUp onSignedIn={onSignedIn} />);
  await userEvent.type(await screen.findByLabelText('Code'), ' 1234-5678 ');
  await userEvent.type(screen.getByLabelText('Email address'), 'ana@example.com');
  await userEvent.type(screen.getByLabelText('Password'), PASSWORD);
  await press('Create account');
  await waitFor(() => expect(onSignedIn).toHaveBeenCalledOnce());
  expect(requests.at(-1)!.body).toEqual({
    ...{ code: '1234-5678', email: 'ana@example.com', password: PASSWORD },
  });
});

test('a server with accounts leads from the set-up page to the sign-in page', async () => {
  answerFetch({
    '/api/v1/auth/state': () => ({ setup_required: false, sign_in_required: true }),
  });
  renderWithQueries(<SetUp onSignedIn={vi.fn()} />);
  const link = await screen.findByRole('link', { name: 'Go to sign in' });
  expect(link.getAttribute('href')).toBe('/sign-in');
});

test('an error of no field is shown in the form of an invitation', async () => {
  answerFetch({ 'POST /api/v1/auth/invitation': () => invalidField('', 'the body is too large') });
  renderWithQueries(<Invitation token="1nv1t3" onSignedIn={vi.fn()} />);
  await userEvent.type(screen.getByLabelText('Password'), PASSWORD);
  await press('Create account');
  expect((await screen.findByRole('alert')).textContent).toBe('The body is too large.');
});
