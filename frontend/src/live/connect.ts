import { socketUrl } from '@/config/env';
import { LiveSocket } from '@/live/socket';
import { liveStore } from '@/live/store';

/** The page's one connection; started and stopped by the shell. */
export const liveSocket = new LiveSocket({
  url: socketUrl(),
  onFrame: liveStore.receive,
  onConnection: liveStore.setConnection,
});
