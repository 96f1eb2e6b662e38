/**
 * The client of Groundswell's live protocol. It needs a browser, and nothing else: no framework, no store.
 *
 * See `README.md` beside this file. What else is in this folder is the dashboard's own use of it.
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
