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

export const CHANNEL_KINDS = ['webhook', 'slack', 'email', 'pagerduty', 'web_push'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

/** A secret is told once, when it is made; afterwards only that there is one. */
export type Shown = string | { set: boolean };

export type Delivery = { mode: 'immediate' } | { mode: 'digest'; every_seconds: number };

export interface ChannelSettings {
  url?: Shown;
  host?: string;
  secret?: Shown;
  to?: string[];
  routing_key?: Shown;
  endpoint?: Shown;
  keys?: unknown;
}

export interface NewChannel {
  name: string;
  kind: ChannelKind;
  enabled: boolean;
  settings: Record<string, unknown>;
  delivery: Delivery;
  minimum_severity: Severity;
}

export interface Channel {
  id: string;
  name: string;
  kind: ChannelKind;
  enabled: boolean;
  disabled_reason: string | null;
  settings: ChannelSettings;
  delivery: Delivery;
  minimum_severity: Severity;
  created_at: string;
  last_success_at: string | null;
  failing_since: string | null;
}

export interface Attempt {
  at: string;
  status: number | null;
  error: string | null;
  duration_ms: number;
}

export interface Notification {
  id: string;
  channel: string;
  alert: string;
  event: string;
  state: 'pending' | 'sent' | 'dead';
  attempts: Attempt[];
  next_attempt_at: string | null;
  created_at: string;
}

export const SENSITIVITIES = ['off', 'low', 'balanced', 'high'] as const;

export interface SignalSettings {
  sensitivity: (typeof SENSITIVITIES)[number];
  minimum_volume: number;
}

export interface List<Item> {
  items: Item[];
  next_cursor?: string | null;
}
