import { LiveClient, type Subscription } from '@/live';
import { access } from '@/lib/access';
import { liveStore } from '@/live/store';

/** More than the list shows by far, and a small part of what a busy server stores. */
const POSTS_PER_SECOND = 20;

/** The most that can be asked for. */
const POSTS_PER_SECOND_MAX = 1_000;

const SUBSCRIPTION: Subscription = {
  feeds: ['metrics', 'messages', 'alerts', 'system'],
  maxRate: POSTS_PER_SECOND,
  delta: true,
};

/** What the browser says of the network does not matter on the way to a server on the same machine. */
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

/** How many posts a second the server may send: `all` where the page picks out the few it wants. */
export function limitPosts(limit: 'all' | 'usual'): void {
  const maxRate = limit === 'all' ? POSTS_PER_SECOND_MAX : POSTS_PER_SECOND;
  liveClient.subscribe({ ...SUBSCRIPTION, maxRate });
}
