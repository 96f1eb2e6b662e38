import type { Schemas } from '@/api/wire';

export const SEVERITIES = ['info', 'warning', 'critical'] as const satisfies Severity[];
export type Severity = Schemas['Severity'];

export type Evidence = Schemas['Evidence'];
export type EvidencePoint = Schemas['EvidencePoint'];

/** A phase that an alert entered, or an action on it. */
export type AlertMoment = Schemas['AlertMoment'];
export type AlertDetails = Schemas['AlertWithHistory'];

export const RULE_DIMENSIONS = ['overall', 'product', 'platform', 'channel', 'city'] as const;
export type RuleDimension = (typeof RULE_DIMENSIONS)[number];

/** A rule as the dashboard writes it, with every field set. */
export type NewRule = Required<Schemas['NewRule']>;

/** A stored rule. The server returns every field, including optional ones. */
export type Rule = Required<Schemas['Rule']>;

export type RulePreview = Schemas['Preview'];

/** Which alerts are silenced, and when; all given conditions must match. */
export type NewSilence = Schemas['NewSilence'];

/** A stored silence; the server always returns its start and a comment, which may be empty. */
export type Silence = Schemas['Silence'] & { starts_at: string; comment: string };

export type ChannelKind = Schemas['ChannelKind'];
export type Channel = Schemas['Channel'];
export type NewChannel = Required<Schemas['NewChannel']>;
export type NewChannelSettings = Schemas['NewChannelSettings'];
export type TestOutcome = Schemas['TestOutcome'];
export type Attempt = Schemas['Attempt'];
export type Notification = Schemas['Notification'];

export type SignalSettings = Schemas['SignalSettings'];
export const SENSITIVITIES = [
  'off',
  'low',
  'balanced',
  'high',
] as const satisfies Schemas['Sensitivity'][];

export interface List<Item> {
  items: Item[];
  next_cursor?: string | null;
}
