import type { Schemas } from '@/api/wire';

export const SEVERITIES = ['info', 'warning', 'critical'] as const satisfies Severity[];
export type Severity = Schemas['Severity'];

export type Evidence = Schemas['Evidence'];
export type EvidencePoint = Schemas['EvidencePoint'];

/** Either a phase that it entered, or something that was done with it. */
export type AlertMoment = Schemas['AlertMoment'];
export type AlertDetails = Schemas['AlertWithHistory'];

export const RULE_DIMENSIONS = ['overall', 'product', 'platform', 'channel', 'city'] as const;
export type RuleDimension = (typeof RULE_DIMENSIONS)[number];

/** A rule as this page writes it: nothing is left to the server's defaults. */
export type NewRule = Required<Schemas['NewRule']>;

/** A rule as it is stored. Every field is answered, also those that may be left out when it is written. */
export type Rule = Required<Schemas['Rule']>;

export type RulePreview = Schemas['Preview'];

/** Which alerts are not told, and when; of the conditions all that are there must agree. */
export type NewSilence = Schemas['NewSilence'];

/** The server always says from when on it holds, and answers an empty comment where none was given. */
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
