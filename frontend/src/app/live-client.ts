import { LiveClient, type Connection, type Subscription } from '@/live';
import { access } from '@/lib/access';
import { isTemporary } from '@/lib/api-client';
import { ME_QUERY } from '@/lib/me';
import { queryClient } from '@/lib/query-client';
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
  onConnection: follow,
  onGap: liveStore.restart,
  token: access.token,
  isOnline: () => isOwnMachine(window.location.hostname) || navigator.onLine,
});

/** Limits the posts per second that the server sends; `all` for a page that filters them itself. */
export function limitPosts(limit: 'all' | 'usual'): void {
  const maxRate = limit === 'all' ? POSTS_PER_SECOND_MAX : POSTS_PER_SECOND;
  liveClient.subscribe({ ...SUBSCRIPTION, maxRate });
}

function follow(connection: Connection): void {
  liveStore.setConnection(connection);
  if (connection.state === 'unauthorized') void checkAccess();
}

/** How long to wait before the server is asked again, or connected to again, after it ended the connection. */
const AGAIN_AFTER_MS = 10_000;

let connectedAgainAt = -Infinity;

/**
 * Finds out why the server ended the connection. If the session is over, the response locks the page. If only the person's
 * role has changed, they go on with another connection.
 */
async function checkAccess(): Promise<void> {
  try {
    await queryClient.fetchQuery({ ...ME_QUERY, staleTime: 0 });
  } catch (error) {
    if (error instanceof Error && isTemporary(error))
      setTimeout(() => void checkAccess(), AGAIN_AFTER_MS);
    return;
  }
  // Not in a loop, if the server goes on refusing the connection alone.
  const waitMs = Math.max(0, connectedAgainAt + AGAIN_AFTER_MS - Date.now());
  connectedAgainAt = Date.now() + waitMs;
  setTimeout(liveClient.retryNow, waitMs);
}
