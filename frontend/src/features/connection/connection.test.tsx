import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { ConnectionPill } from '@/features/connection/components/connection-pill';
import { StatusBanner } from '@/features/connection/components/status-banner';
import type { Connection } from '@/live';
import { NOON } from '@/testing/samples';

test.each<[Connection, string]>([
  [{ state: 'connecting', attempt: 0 }, 'Connecting'],
  [{ state: 'live', by: 'websocket' }, 'Connected, live'],
  [{ state: 'offline' }, 'This device is offline'],
  [{ state: 'refused', why: 'too many operations' }, 'Refused: too many operations'],
])('%o is announced as %s', (connection, words) => {
  render(<ConnectionPill connection={connection} paused={false} />);
  expect(screen.getByRole('status').textContent).toBe(words);
});

test('the countdown is visible but not announced', () => {
  vi.useFakeTimers({ now: NOON });
  const waiting: Connection = { state: 'waiting', attempt: 1, retryAt: NOON + 4_200, why: 'gone' };
  render(<ConnectionPill connection={waiting} paused={false} />);
  expect(screen.getByText(/in 5 s/)).toBeTruthy();
  expect(screen.getByRole('status').textContent).toBe('Reconnecting: gone');
});

const banner = (changes: object) => (
  <StatusBanner
    connection={{ state: 'live', by: 'websocket' }}
    asOf={new Date(NOON).toISOString()}
    pausedAt={null}
    held={0}
    onRetry={vi.fn()}
    onResume={vi.fn()}
    {...changes}
  />
);

test('a live view has no banner', () => {
  const { container } = render(banner({}));
  expect(container.textContent).toBe('');
});

test('a lost connection shows its cause, the age of the figures, and a retry button', async () => {
  const onRetry = vi.fn();
  const connection = {
    state: 'waiting',
    attempt: 1,
    retryAt: NOON,
    why: 'the server is restarting',
  };
  render(banner({ connection, onRetry }));
  expect(screen.getByText(/the server is restarting\. The figures below are from/)).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Retry now' }));
  expect(onRetry).toHaveBeenCalledOnce();
});

test('a pause counts new posts', () => {
  render(banner({ pausedAt: NOON, held: 1_204 }));
  expect(screen.getByText('1,204 posts since then.')).toBeTruthy();
});
