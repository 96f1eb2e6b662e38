import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { Channel, Notification } from '@/features/alerts/api/wire';
import { ChannelsPanel } from '@/features/alerts/channels/channels-panel';
import {
  NEW_CHANNEL,
  readDraft,
  secretIn,
  toDraft,
  type ChannelDraft,
} from '@/features/alerts/channels/draft';
import { describeAttempt } from '@/features/alerts/channels/notification-list';
import { answerFetch, renderWithQueries } from '@/testing/render';

const channel: Channel = {
  id: 'c1',
  name: 'On call',
  kind: 'webhook',
  enabled: true,
  disabled_reason: null,
  settings: { url: 'https://hooks.example.com/', secret: { set: true } },
  delivery: { mode: 'immediate' },
  minimum_severity: 'warning',
  service_alerts: false,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  last_success_at: null,
  failing_since: null,
};

const draft = (changes: Partial<ChannelDraft>): ChannelDraft => ({
  ...NEW_CHANNEL,
  name: 'A channel',
  ...changes,
});

test.each<[string, Partial<ChannelDraft>, string]>([
  ['a URL without a scheme', { url: 'hooks.example.com' }, 'url'],
  ['an empty URL', { kind: 'slack' }, 'url'],
  ['an address without a domain', { kind: 'email', to: 'ann' }, 'to'],
  ['no recipients', { kind: 'email' }, 'to'],
  ['an incomplete key', { kind: 'pagerduty', routingKey: 'abc' }, 'routing_key'],
  ['a digest every second', { url: 'https://a.b/', mode: 'digest', everySeconds: 1 }, 'delivery'],
])('%s is rejected', (_, changes, field) => {
  const { problems } = readDraft({ draft: draft(changes), isSaved: false });
  expect(Object.keys(problems)).toEqual([field]);
});

test('secrets left empty keep their value', () => {
  for (const kind of ['slack', 'pagerduty'] as const) {
    const { value, problems } = readDraft({ draft: draft({ kind }), isSaved: true });
    expect(problems).toEqual({});
    expect(value.settings).toEqual({});
  }
});

test('recipients are separated by commas, semicolons or spaces', () => {
  const several = draft({ kind: 'email', to: 'ann@a.org, bob@b.org;eve@e.org' });
  expect(readDraft({ draft: several, isSaved: false }).value.settings).toEqual({
    to: ['ann@a.org', 'bob@b.org', 'eve@e.org'],
  });
});

test('editing a channel without changes keeps it as it is', () => {
  const { value: written } = readDraft({ draft: toDraft(channel), isSaved: true });
  expect(written).toMatchObject({
    name: 'On call',
    settings: { url: 'https://hooks.example.com/' },
  });
});

test('a secret is read from the response, but not if it is only marked as set', () => {
  expect(secretIn({ secret: 'whsec_1' })).toBe('whsec_1');
  expect(secretIn({ settings: { secret: 'whsec_2' } })).toBe('whsec_2');
  expect(secretIn(channel)).toBeNull();
  expect(secretIn(null)).toBeNull();
});

test.each([
  [{ status: 204, error: null, duration_ms: 61 }, 'delivered, 204 in 61 ms'],
  [{ status: 503, error: 'refused', duration_ms: 9 }, 'refused, 503 in 9 ms'],
])('the attempt %j reads %s', (attempt, text) => {
  expect(describeAttempt(attempt)).toBe(text);
});

const dead: Notification = {
  id: 'n1',
  channel: 'c1',
  alert: 'a1',
  event: 'fired',
  state: 'dead',
  attempts: [{ at: '2026-01-01T00:00:00Z', status: 503, error: 'answered 503', duration_ms: 9 }],
  next_attempt_at: null,
  created_at: '2026-01-01T00:00:00Z',
};

function open(extra: Parameters<typeof answerFetch>[0] = {}) {
  const opened: string[] = [];
  const requests = answerFetch({
    '/api/v1/notification-channels': () => ({ items: [channel] }),
    '/api/v1/notifications': () => ({ items: [dead] }),
    ...extra,
  });
  renderWithQueries(<ChannelsPanel onOpenAlert={(id) => opened.push(id)} />);
  return { requests, opened };
}

test('a channel can receive service alerts and shows a badge', async () => {
  const { requests } = open({
    '/api/v1/notification-channels': () => ({ items: [{ ...channel, service_alerts: true }] }),
    'POST /api/v1/notification-channels': (_, body) => ({ ...channel, ...(body as object) }),
  });
  expect(await screen.findByText('service alerts')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'New notification channel' }));
  await userEvent.type(screen.getByLabelText('Name'), 'Second');
  await userEvent.type(screen.getByLabelText('URL'), 'https://hooks.example.com/2');
  await userEvent.click(screen.getByRole('checkbox', { name: /^Service alerts/ }));
  await userEvent.click(screen.getByRole('button', { name: 'Save notification channel' }));
  await waitFor(() => expect(JSON.stringify(requests)).toContain('"service_alerts":true'));
});

test('a new webhook shows its secret only once', async () => {
  open({
    'POST /api/v1/notification-channels': (_, body) => ({
      ...channel,
      ...(body as object),
      settings: { secret: 'whsec_once' },
    }),
  });
  await userEvent.click(await screen.findByRole('button', { name: 'New notification channel' }));
  await userEvent.type(screen.getByLabelText('Name'), 'Second');
  await userEvent.type(screen.getByLabelText('URL'), 'https://hooks.example.com/2');
  await userEvent.click(screen.getByRole('button', { name: 'Save notification channel' }));
  expect(await screen.findByText('whsec_once')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'I have saved it' }));
  expect(screen.queryByText('whsec_once')).toBeNull();
});

test('an error for the URL appears beside its field', async () => {
  const error = {
    error: {
      code: 'invalid_field',
      message: '`10.0.0.1` is a private address',
      details: { field: 'settings.url' },
    },
  };
  open({
    'PUT /api/v1/notification-channels/c1': () =>
      new Response(JSON.stringify(error), { status: 422 }),
  });
  await userEvent.click(await screen.findByRole('button', { name: 'Edit On call' }));
  await userEvent.click(screen.getByRole('button', { name: 'Save notification channel' }));
  expect(await screen.findByText('`10.0.0.1` is a private address.')).toBeTruthy();
  expect(screen.getByLabelText('URL').getAttribute('aria-invalid')).toBe('true');
});

test.each([
  [{ status: 204, error: null, duration_ms: 61 }, 'status', 'Test: delivered, 204 in 61 ms.'],
  [
    { status: null, error: 'nobody listens there', duration_ms: 3 },
    'alert',
    'Test: nobody listens there in 3 ms.',
  ],
])('a test shows its result', async (answer, role, text) => {
  open({ 'POST /api/v1/notification-channels/c1/test': () => answer });
  await userEvent.click(await screen.findByRole('button', { name: 'Test On call' }));
  await waitFor(() => {
    const said = screen.getAllByRole(role).map(({ textContent }) => textContent);
    expect(said).toContain(text);
  });
});

test('a secret is rotated only after confirmation and shown once', async () => {
  const { requests } = open({
    'POST /api/v1/notification-channels/c1/rotate-secret': () => ({ secret: 'whsec_new' }),
  });
  await userEvent.click(await screen.findByRole('button', { name: 'Rotate secret for On call' }));
  expect(requests.some(({ method }) => method === 'POST')).toBe(false);
  await userEvent.click(screen.getByRole('button', { name: 'Rotate secret' }));
  expect(await screen.findByText('whsec_new')).toBeTruthy();
});

test('a failed notification shows its error, links to its alert, and can be resent', async () => {
  const { requests, opened } = open({ 'POST /api/v1/notifications/n1/resend': () => ({}) });
  const letters = await screen.findByRole('list', { name: 'Failed notifications' });
  expect(within(letters).getByText(/answered 503/)).toBeTruthy();
  await userEvent.click(within(letters).getByRole('button', { name: 'alert fired' }));
  expect(opened).toEqual(['a1']);
  await userEvent.click(within(letters).getByRole('button', { name: 'Resend' }));
  await waitFor(() => expect(requests.some(({ method }) => method === 'POST')).toBe(true));
});

test('a channel that was turned off automatically says why', async () => {
  open({
    '/api/v1/notification-channels': () => ({
      items: [{ ...channel, enabled: false, disabled_reason: 'the receiver answered 410' }],
    }),
  });
  expect((await screen.findByRole('alert')).textContent).toContain('the receiver answered 410');
});
