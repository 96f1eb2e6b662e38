import { LiveClient, type Subscription } from '@/live';
import { access } from '@/lib/access';
import { liveStore } from '@/live/store';

/** Far more than the list shows, and a small part of what a busy server stores. */
const POSTS_PER_SECOND = 20;

/** The server's limit. */
const POSTS_PER_SECOND_MAX = 1_000;

const SUBSCRIPTION: Subscription = {
  feeds: ['metrics', 'messages', 'alerts', 'system'],
  maxRate: POSTS_PER_SECOND,
  delta: true,
};

/** A server on the same machine is reachable even if the browser is offline. */
function isOwnMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

/** The page's one connection; started and stopped by the shell. */
export const liveClient = new LiveClient({
  origin: window.location.origin,
  subscription: SUBSCRIPTION,
  onFrame: liveStore.receive,
  onConnection: liveStore.setConnection,
  onGap: liveStore.restart,
  token: access.token,
  isOnline: () => isOwnMachine(window.location.hostname) || navigator.onLine,
});

/** Limits the posts per second that the server sends; `all` for a page that filters them itself. */
export function limitPosts(limit: 'all' | 'usual'): void {
  const maxRate = limit === 'all' ? POSTS_PER_SECOND_MAX : POSTS_PER_SECOND;
  liveClient.subscribe({ ...SUBSCRIPTION, maxRate });
}
