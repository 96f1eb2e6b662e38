/** Written by `npm run types` from `openapi.json`; do not edit. */
import type { Schemas } from '@/api/wire';

/** Network that posts come from. */
export const SOURCE_NETWORKS = [
  'bluesky',
  'feed',
  'mastodon',
  'reddit',
  'webhook',
  'x',
  'youtube',
] as const satisfies Schemas['SourceNetwork'][];
