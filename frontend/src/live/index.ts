/**
 * A browser client for Groundswell's live protocol, without a framework or store.
 *
 * See `README.md` in this folder. The other files here are the dashboard's use of it.
 */
export { LiveClient, type Connection, type LiveClientParams } from '@/live/client';
export { CLOSE, meaningOf } from '@/live/close-codes';
export { applyPatch } from '@/live/delta';
export {
  parseFrame,
  type Feed as FeedName,
  type Filter,
  type ServerFrame,
  type Subscription,
} from '@/live/frames';
