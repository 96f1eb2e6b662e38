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

/** A rule as it is written. */
export interface NewRule {
  name: string;
  enabled: boolean;
  metric: string;
  /** A key of null watches each of the dimension, with an alert of its own. */
  scope: { dimension: RuleDimension; key: string | null };
  window_seconds: number;
  comparison: 'above' | 'below';
  threshold: number;
  clear_threshold: number;
  minimum_volume: number;
  for_seconds: number;
  keep_firing_seconds: number;
  cooldown_seconds: number;
  severity: Severity;
  /** Empty for every channel whose minimum severity fits. */
  channels: string[];
}

export type Rule = NewRule & {
  id: string;
  builtin: boolean;
  created_at: string;
  updated_at: string;
};

export interface RulePreview {
  series: { at: string; value: number | null; count: number }[];
  firings: { from: string; to: string }[];
  seconds: number;
}

/** Which alerts are not told, and when; of the conditions all that are there must agree. */
export interface NewSilence {
  rule_id?: string;
  dimension?: RuleDimension;
  key?: string;
  severity?: Severity;
  starts_at: string;
  ends_at: string;
  comment: string;
}

export type Silence = NewSilence & { id: string; created_at: string };

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
