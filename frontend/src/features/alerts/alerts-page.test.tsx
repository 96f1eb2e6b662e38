import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { openPage } from '@/features/alerts/testing';

test('the history is requested by state and type', async () => {
  const requests = openPage({ tab: 'history', state: 'resolved', rule: 'churn' });
  await screen.findByRole('list', { name: 'Alerts, newest first' });
  await waitFor(() => {
    const asked = requests.map(({ url }) => url.search);
    expect(asked).toContain('?state=resolved&rule=churn&limit=25');
  });
});

test('the page says that no alerts are open', async () => {
  openPage({}, { '/api/v1/alerts': () => ({ items: [] }) });
  expect(await screen.findByText('No open alerts')).toBeTruthy();
});

test('alerts that cannot be loaded show an error, not an empty list', async () => {
  const busy = { error: { code: 'unavailable', message: 'PostgreSQL is not reachable' } };
  openPage({}, { '/api/v1/alerts': () => new Response(JSON.stringify(busy), { status: 503 }) });
  expect((await screen.findByRole('alert')).textContent).toContain('PostgreSQL is not reachable');
  expect(screen.queryByText('No open alerts')).toBeNull();
});

test('the signal settings are saved, and an invalid volume is rejected', async () => {
  const requests = openPage(
    { tab: 'signals' },
    { '/api/v1/signal-settings': (_, body) => body ?? { sensitivity: 'low', minimum_volume: 30 } },
  );
  await userEvent.click(await screen.findByRole('radio', { name: /^High/ }));
  const volume = screen.getByLabelText('Minimum posts');
  await userEvent.clear(volume);
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(volume.getAttribute('aria-invalid')).toBe('true');
  await userEvent.type(volume, '50');
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(await screen.findByText('Saved.')).toBeTruthy();
  expect(requests.find(({ method }) => method === 'PUT')?.body).toEqual({
    sensitivity: 'high',
    minimum_volume: 50,
  });
});
