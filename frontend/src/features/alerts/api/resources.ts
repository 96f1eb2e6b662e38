import { paths } from '@/config/paths';
import { CHANNELS_KEY, PUSH_KEY } from '@/config/query-keys';
import { ALERTS_KEY } from '@/features/alerts/api/use-open-alerts';
import type { Resource } from '@/features/alerts/api/use-resource';

export const RULES: Resource = {
  key: ['alert-rules'],
  all: paths.alertRules,
  one: paths.alertRule,
};

/** Alerts show whether they are silenced. */
export const SILENCES: Resource = {
  key: ['silences'],
  all: paths.silences,
  one: paths.silence,
  alsoStale: [ALERTS_KEY],
};

/** This browser may be a channel, and rules lose a channel that is deleted. */
export const CHANNELS: Resource = {
  key: CHANNELS_KEY,
  all: paths.channels,
  one: paths.channel,
  alsoStale: [PUSH_KEY, RULES.key],
};
