/**
 * Keeps the dashboard's own files, so that it opens at once and without a network, and shows alerts while it is closed.
 *
 * What the server answers to a question is never kept: figures from a cache would look exactly like figures of now. The
 * build puts the list of files and its digest in the place of the two names below.
 */
const VERSION = '__VERSION__';
const SHELL = ['__SHELL__'];

const CACHE_PREFIX = 'groundswell-';
const CACHE = `${CACHE_PREFIX}${VERSION}`;

/** What is no file of the dashboard: questions to the server, and pages that are not ours to draw. */
const NOT_OURS = /^\/(api|ws|docs|openapi\.json|metrics|health|livez|readyz)(\/|$)/;

/** A server that takes longer than this to send the page is no better than one that is away. */
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

// A new version waits until a person says so: two versions at work in one page would not fit together.
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

/** The server's page, which names the newest files; where it is away, the one kept. */
async function page(request) {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PAGE_WITHIN_MS) });
  } catch {
    return kept('/');
  }
}

/** Files under `/assets/` carry a digest in their name, so one that is here is the right one. */
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

/** A push must show something, or the browser shows a sentence of its own. */
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
    // News of an alert replaces what was said of it before; only what gets worse makes a sound again.
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

/** In the window that is open already, if there is one. */
async function open(path) {
  const url = new URL(path, self.location.origin);
  // Whatever a message says, only our own pages are opened.
  const target = url.origin === self.location.origin ? url.href : self.location.origin;
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const [first] = windows;
  if (first === undefined) return self.clients.openWindow(target);
  // A window that may not be brought to the front shows the alert all the same.
  await first.focus().catch(() => undefined);
  return first.navigate(target).catch(() => self.clients.openWindow(target));
}
