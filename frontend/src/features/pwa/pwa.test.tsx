import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PushToggle } from '@/features/pwa/components/push-toggle';
import { toBytes } from '@/features/pwa/model/push';
import { nameOfBrowser } from '@/lib/browser';
import { answerFetch, renderWithQueries } from '@/testing/render';

let subscription: { toJSON: () => unknown; unsubscribe: () => Promise<boolean> } | null;
let permission: NotificationPermission;

/** A browser that supports push. */
beforeEach(() => {
  subscription = null;
  permission = 'granted';
  const pushManager = {
    getSubscription: () => Promise.resolve(subscription),
    subscribe: () => {
      const keys = { p256dh: 'public', auth: 'secret' };
      subscription = {
        toJSON: () => ({ endpoint: 'https://push.example/1', keys }),
        unsubscribe: () => {
          subscription = null;
          return Promise.resolve(true);
        },
      };
      return Promise.resolve(subscription);
    },
  };
  const registration = { pushManager };
  Object.defineProperty(navigator, 'serviceWorker', {
    configurable: true,
    value: {
      ready: Promise.resolve(registration),
      getRegistration: () => Promise.resolve(registration),
    },
  });
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('PushManager', vi.fn());
  vi.stubGlobal('Notification', {
    permission: 'default',
    requestPermission: () => Promise.resolve(permission),
  });
});

afterEach(() => {
  Reflect.deleteProperty(navigator, 'serviceWorker');
  localStorage.clear();
});

const server = () =>
  answerFetch({
    '/api/v1/push/key': () => ({ public_key: 'BAAA' }),
    'POST /api/v1/notification-channels': () => ({ id: 'c1' }),
    '/api/v1/notification-channels/c1': () => ({ id: 'c1', enabled: true }),
  });

const turnOn = async () =>
  userEvent.click(await screen.findByRole('button', { name: 'Send alerts to this device' }));

test('turning push on creates a channel, and turning it off deletes it', async () => {
  const requests = server();
  renderWithQueries(<PushToggle />);
  await turnOn();
  const on = await screen.findByRole('button', { name: 'Stop sending alerts to this device' });
  const created = requests.find(({ method }) => method === 'POST');
  expect(created?.body).toMatchObject({
    kind: 'web_push',
    settings: { endpoint: 'https://push.example/1', keys: { p256dh: 'public', auth: 'secret' } },
  });
  await userEvent.click(on);
  await screen.findByRole('button', { name: 'Send alerts to this device' });
  expect(
    requests.some(({ method, url }) => method === 'DELETE' && url.pathname.endsWith('c1')),
  ).toBe(true);
  expect(subscription).toBeNull();
});

test('without permission, the browser is not subscribed', async () => {
  const requests = server();
  permission = 'denied';
  renderWithQueries(<PushToggle />);
  await turnOn();
  await screen.findByText(
    'Notifications are blocked; allow them for this site in your browser settings.',
  );
  expect(requests.filter(({ method }) => method === 'POST')).toEqual([]);
});

test('a channel deleted on the server counts as off', async () => {
  localStorage.setItem('groundswell.push-channel', 'gone');
  subscription = { toJSON: () => ({}), unsubscribe: () => Promise.resolve(true) };
  server();
  renderWithQueries(<PushToggle />);
  await screen.findByRole('button', { name: 'Send alerts to this device' });
});

test('if push is unavailable, the page says why', () => {
  vi.stubGlobal('isSecureContext', false);
  server();
  renderWithQueries(<PushToggle />);
  expect(screen.getByText(/Push notifications require HTTPS/)).toBeTruthy();
});

test('keys are read from URL-safe base64', () => {
  expect([...toBytes('-_8A')]).toEqual([251, 255, 0]);
});

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36', 'Chrome on Linux'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604.1',
    'Safari on iPhone',
  ],
  ['Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36', 'Chrome on Android'],
  ['curl/8', 'Browser on unknown system'],
])('%s is %s', (agent, name) => {
  expect(nameOfBrowser(agent)).toBe(name);
});
