/**
 * Caches the dashboard's files, so that it opens quickly and offline, and shows push notifications.
 *
 * API responses are never cached, because stale figures would look current. The build replaces the two placeholders below.
 */
const VERSION = '__VERSION__';
const SHELL = ['__SHELL__'];

const CACHE_PREFIX = 'groundswell-';
const CACHE = `${CACHE_PREFIX}${VERSION}`;

/** Paths that do not belong to the dashboard. */
const NOT_OURS = /^\/(api|ws|docs|openapi\.json|metrics|health|livez|readyz)(\/|$)/;

/** After this, the cached page is shown. */
const PAGE_WITHIN_MS = 4_000;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(takeOver());
});

async function takeOver() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(CACHE_PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

// A new version waits for the person's consent, because one page must not mix two versions.
self.addEventListener('message', (event) => {
  if (event.data === 'take-over') self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const isOurs = url.origin === self.location.origin && !NOT_OURS.test(url.pathname);
  if (request.method !== 'GET' || !isOurs) return;
  if (request.mode === 'navigate') event.respondWith(page(request));
  else if (url.pathname.startsWith('/assets/')) event.respondWith(asset(request));
  else event.respondWith(fetch(request).catch(() => kept(request)));
});

/** Fetches the page, which names the newest files, or falls back to the cached one. */
async function page(request) {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PAGE_WITHIN_MS) });
  } catch {
    return kept('/');
  }
}

/** Returns a file from the cache, or fetches and caches it; names under `/assets/` contain a hash. */
async function asset(request) {
  const known = await caches.match(request);
  if (known) return known;
  const response = await fetch(request);
  if (response.ok) {
    const copy = response.clone();
    const cache = await caches.open(CACHE);
    await cache.put(request, copy);
  }
  return response;
}

async function kept(request) {
  return (await caches.match(request)) ?? Response.error();
}

self.addEventListener('push', (event) => {
  event.waitUntil(show(readMessage(event.data)));
});

/** Parses a push message. There must be a notification, or the browser shows its own. */
function readMessage(data) {
  try {
    return data.json();
  } catch {
    return { title: 'Groundswell', body: 'There is a new alert.' };
  }
}

function show({ title, body, alert, event, severity, url }) {
  return self.registration.showNotification(title ?? 'Groundswell', {
    body: body ?? '',
    icon: '/icons/icon-192.png',
    badge: '/icons/badge-96.png',
    // A later notification of an alert replaces the earlier one; only `fired` alerts the person again.
    tag: alert ?? 'groundswell',
    renotify: event === 'fired' && alert != null,
    requireInteraction: event === 'fired' && severity === 'critical',
    data: { url: url ?? '/alerts' },
  });
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url ?? '/alerts'));
});

/** Opens a path, in an open window if there is one. */
async function open(path) {
  const url = new URL(path, self.location.origin);
  // Only the dashboard's own pages may be opened.
  const target = url.origin === self.location.origin ? url.href : self.location.origin;
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const [first] = windows;
  if (first === undefined) return self.clients.openWindow(target);
  // If the window cannot be focused, it still shows the alert.
  await first.focus().catch(() => undefined);
  return first.navigate(target).catch(() => self.clients.openWindow(target));
}
