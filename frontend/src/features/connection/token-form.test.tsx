import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { TokenForm } from '@/features/connection/components/token-form';
import { access } from '@/lib/access';
import { renderWithQueries } from '@/testing/render';

const refuseAllBut = (token: string) =>
  vi.stubGlobal('fetch', async (_: string, init?: RequestInit) => {
    const shown = new Headers(init?.headers).get('authorization');
    return new Response('{}', { status: shown === `Bearer ${token}` ? 200 : 401 });
  });

async function enter(token: string) {
  await userEvent.type(screen.getByLabelText('Access token'), token);
  await userEvent.click(screen.getByRole('button', { name: 'Unlock' }));
}

test('only a valid token is kept', async () => {
  refuseAllBut('right');
  access.lock();
  const onAccepted = vi.fn();
  renderWithQueries(<TokenForm onAccepted={onAccepted} />);
  await enter('wrong');
  await screen.findByText('This token is not valid.');
  expect(access.isLocked()).toBe(true);
  await userEvent.clear(screen.getByLabelText('Access token'));
  await enter('right');
  await waitFor(() => expect(onAccepted).toHaveBeenCalledOnce());
  expect(access.isLocked()).toBe(false);
  expect(access.token()).toBe('right');
});

test('an unreachable server is not reported as an invalid token', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed to fetch')));
  renderWithQueries(<TokenForm onAccepted={vi.fn()} />);
  await enter('right');
  await screen.findByText('The server is not responding.');
});
