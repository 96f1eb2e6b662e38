import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { Alert } from '@/api/wire';
import { at, openPage } from '@/features/alerts/testing';
import { sampleAlert } from '@/testing/samples';

/** Answers with these alerts, and remembers what is acknowledged. */
function serveAlerts(alerts: readonly Alert[]) {
  let current = [...alerts];
  const change = (id: string, acknowledged_at: string | null) => () => {
    current = current.map((alert) =>
      alert.id === id ? { ...alert, acknowledged_at, revision: alert.revision + 1 } : alert,
    );
    return current.find((alert) => alert.id === id);
  };
  return Object.fromEntries([
    ['/api/v1/alerts', () => ({ items: current, next_cursor: null })],
    ...alerts.flatMap(({ id }) => [
      [`POST /api/v1/alerts/${id}/acknowledge`, change(id, at(0))],
      [`DELETE /api/v1/alerts/${id}/acknowledge`, change(id, null)],
    ]),
  ]);
}

const rowTitles = () =>
  within(screen.getByRole('list', { name: 'Open alerts' }))
    .getAllByRole('listitem')
    .map((row) => within(row).getAllByRole('button')[0]?.textContent);

const [LOUD, QUIET] = [
  sampleAlert({ id: 'loud', title: 'Loud', severity: 'critical' }),
  sampleAlert({ id: 'quiet', title: 'Quiet', severity: 'warning' }),
];

test('acknowledging moves no row until the pointer leaves the list', async () => {
  const user = userEvent.setup();
  openPage({}, serveAlerts([LOUD, QUIET]));
  await user.click(await screen.findByRole('button', { name: 'Acknowledge: Loud' }));
  await screen.findByRole('button', { name: 'Undo acknowledgement: Loud' });
  expect(rowTitles()).toEqual(['Loud', 'Quiet']);
  await user.hover(screen.getByRole('tab', { name: /^Open/ }));
  await waitFor(() => expect(rowTitles()).toEqual(['Quiet', 'Loud']));
});

test('after a tap the rows stay for a moment, although the finger is gone', async () => {
  openPage({}, serveAlerts([LOUD, QUIET]));
  const list = await screen.findByRole('list', { name: 'Open alerts' });
  await within(list).findAllByRole('listitem');
  // There is no PointerEvent here.
  for (const event of ['pointerover', 'pointerout']) {
    const touch = new MouseEvent(event, { bubbles: true });
    fireEvent(list, Object.assign(touch, { pointerType: 'touch' }));
  }
  fireEvent.click(await screen.findByRole('button', { name: 'Acknowledge: Loud' }));
  await screen.findByRole('button', { name: 'Undo acknowledgement: Loud' });
  expect(rowTitles()).toEqual(['Loud', 'Quiet']);
  await waitFor(() => expect(rowTitles()).toEqual(['Quiet', 'Loud']));
});

test('the keyboard acknowledges and takes back with one button, in one place', async () => {
  const user = userEvent.setup();
  openPage({}, serveAlerts([LOUD, QUIET]));
  const button = await screen.findByRole('button', { name: 'Acknowledge: Loud' });
  button.focus();
  await user.keyboard('{Enter}');
  await waitFor(() => expect(button.textContent).toBe('Undo'));
  expect(document.activeElement).toBe(button);
  expect(rowTitles()).toEqual(['Loud', 'Quiet']);
  await user.keyboard('{Enter}');
  await waitFor(() => expect(button.textContent).toBe('Acknowledge'));
});

test('a double click acknowledges one alert and does not take it back', async () => {
  const requests = openPage({}, serveAlerts([LOUD, QUIET]));
  await userEvent.dblClick(await screen.findByRole('button', { name: 'Acknowledge: Loud' }));
  await screen.findByRole('button', { name: 'Undo acknowledgement: Loud' });
  expect(requests.filter(({ method }) => method !== 'GET')).toHaveLength(1);
});

test('an acknowledgement is undone from the card', async () => {
  openPage({}, serveAlerts([sampleAlert({ acknowledged_at: at(0) })]));
  const undo = await screen.findByRole('button', { name: /^Undo acknowledgement:/ });
  expect(screen.getByText('acknowledged')).toBeTruthy();
  await userEvent.click(undo);
  expect(await screen.findByRole('button', { name: /^Acknowledge:/ })).toBeTruthy();
  expect(screen.queryByText('acknowledged')).toBeNull();
});

test('several alerts are acknowledged at once, and that is undone at once', async () => {
  const user = userEvent.setup();
  const requests = openPage({}, serveAlerts([LOUD, QUIET]));
  await user.click(await screen.findByRole('checkbox', { name: 'Select all' }));
  await user.click(screen.getByRole('button', { name: 'Acknowledge selected' }));
  expect(await screen.findByText('2 alerts acknowledged.')).toBeTruthy();
  expect(await screen.findAllByText('acknowledged')).toHaveLength(2);
  await user.click(screen.getByRole('button', { name: 'Undo' }));
  expect(await screen.findByText('2 alerts no longer acknowledged.')).toBeTruthy();
  const sent = requests.filter(({ method }) => method !== 'GET').map(({ method }) => method);
  expect(sent).toEqual(['POST', 'POST', 'DELETE', 'DELETE']);
});

test('several alerts are silenced at once', async () => {
  const user = userEvent.setup();
  const served = serveAlerts([{ ...LOUD, rule_id: 'r1' }, QUIET]);
  const requests = openPage({}, { ...served, 'POST /api/v1/silences': () => ({ id: 's' }) });
  await user.click(await screen.findByRole('checkbox', { name: 'Select: Loud' }));
  await user.click(screen.getByRole('checkbox', { name: 'Select: Quiet' }));
  await user.click(screen.getByRole('button', { name: 'Silence selected' }));
  await user.click(screen.getByRole('button', { name: '2 h' }));
  await waitFor(() => expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(2));
});

test('after a partial failure, only the silence that failed is sent again', async () => {
  const user = userEvent.setup();
  let isFailing = true;
  const store = (_: URL, body: unknown) => {
    const isRefused = isFailing && (body as { rule_id?: string }).rule_id === undefined;
    return isRefused
      ? Response.json({ error: { code: 'unavailable', message: 'try again' } }, { status: 503 })
      : { id: 's' };
  };
  const served = serveAlerts([{ ...LOUD, rule_id: 'r1' }, QUIET]);
  const requests = openPage({}, { ...served, 'POST /api/v1/silences': store });
  const sent = () =>
    requests.flatMap(({ method, body }) =>
      method === 'POST' ? [(body as { rule_id?: string }).rule_id] : [],
    );
  await user.click(await screen.findByRole('checkbox', { name: 'Select all' }));
  await user.click(screen.getByRole('button', { name: 'Silence selected' }));
  await user.click(screen.getByRole('button', { name: '2 h' }));
  await screen.findByText(/1 of 2 failed/);
  isFailing = false;
  await user.click(screen.getByRole('button', { name: '2 h' }));
  await waitFor(() => expect(screen.queryByRole('button', { name: '2 h' })).toBeNull());
  expect(sent()).toEqual(['r1', undefined, undefined]);
});

test('an alert is silenced from its card, by its rule and product', async () => {
  const requests = openPage(
    {},
    {
      '/api/v1/alerts': () => ({ items: [sampleAlert({ rule_id: 'r1' })] }),
      'POST /api/v1/silences': () => ({ id: 's1' }),
    },
  );
  await userEvent.click(await screen.findByRole('button', { name: /^Silence:/ }));
  const before = Date.now();
  await userEvent.click(screen.getByRole('button', { name: '2 h' }));
  await waitFor(() => {
    const sent = requests.find(({ method }) => method === 'POST')?.body as Record<string, string>;
    expect(sent).toMatchObject({ rule_id: 'r1', dimension: 'product', key: 'Mayweather' });
    expect(sent).not.toHaveProperty('starts_at');
    expect(Date.parse(sent['ends_at'] ?? '')).toBeGreaterThan(before + 7_100_000);
  });
});
