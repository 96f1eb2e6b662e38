import { paths } from '@/config/paths';
import { CHANNELS_KEY, PUSH_KEY } from '@/config/query-keys';
import { ALERTS_KEY } from '@/features/alerts/api/use-open-alerts';
import type { Resource } from '@/features/alerts/api/use-resource';

export const RULES: Resource = {
  key: ['alert-rules'],
  all: paths.alertRules,
  one: paths.alertRule,
};

/** A silence changes how alerts look. */
export const SILENCES: Resource = {
  key: ['silences'],
  all: paths.silences,
  one: paths.silence,
  alsoStale: [ALERTS_KEY],
};

/** One of them may be this browser, and rules go on without one that is removed. */
export const CHANNELS: Resource = {
  key: CHANNELS_KEY,
  all: paths.channels,
  one: paths.channel,
  alsoStale: [PUSH_KEY, RULES.key],
};
