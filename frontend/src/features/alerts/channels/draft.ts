import type {
  Channel,
  ChannelKind,
  NewChannel,
  NewChannelSettings,
  Severity,
} from '@/features/alerts/api/wire';
import type { Problems } from '@/lib/use-editor';

export const KIND_NAMES: Record<ChannelKind, string> = {
  webhook: 'Webhook',
  slack: 'Slack',
  email: 'Email',
  pagerduty: 'PagerDuty',
  web_push: 'Web push',
};

/** Every kind but `web_push`: a browser subscribes itself. */
export const WRITABLE_KINDS = ['webhook', 'slack', 'email', 'pagerduty'] as const;

/** A channel in the form. Secrets left empty keep their value. */
export interface ChannelDraft {
  name: string;
  kind: ChannelKind;
  url: string;
  to: string;
  routingKey: string;
  mode: 'immediate' | 'digest';
  everySeconds: number;
  severity: Severity;
  /** Whether the channel also receives service alerts. */
  serviceAlerts: boolean;
  enabled: boolean;
}

export const NEW_CHANNEL: ChannelDraft = {
  name: '',
  kind: 'webhook',
  url: '',
  to: '',
  routingKey: '',
  mode: 'immediate',
  everySeconds: 900,
  severity: 'warning',
  serviceAlerts: false,
  enabled: true,
};

const DAY_SECONDS = 86_400;

export function toDraft(channel: Channel): ChannelDraft {
  const { settings, delivery } = channel;
  return {
    ...NEW_CHANNEL,
    name: channel.name,
    kind: channel.kind,
    url: typeof settings.url === 'string' ? settings.url : '',
    to: (settings.to ?? []).join(', '),
    mode: delivery.mode,
    everySeconds: delivery.mode === 'digest' ? delivery.every_seconds : NEW_CHANNEL.everySeconds,
    severity: channel.minimum_severity,
    serviceAlerts: channel.service_alerts,
    enabled: channel.enabled,
  };
}

interface ReadParams {
  draft: ChannelDraft;
  /** Whether the channel exists, so that its secrets may be left empty. */
  isSaved: boolean;
}

/** Converts a draft to a channel and lists what is wrong with it. */
export function readDraft({ draft, isSaved }: ReadParams): {
  value: NewChannel;
  problems: Problems;
} {
  const problems: Problems = {};
  if (draft.name.trim() === '') problems['name'] = 'Enter a name.';
  const url = draft.url.trim();
  const to = draft.to.split(/[\s,;]+/).filter((address) => address !== '');
  const routingKey = draft.routingKey.trim();
  const settings: NewChannelSettings = {};
  switch (draft.kind) {
    case 'webhook':
    case 'slack': {
      const keepsUrl = draft.kind === 'slack' && isSaved && url === '';
      if (!keepsUrl && !/^https?:\/\/\S+$/i.test(url)) {
        problems['url'] = 'Enter a full URL, starting with https://.';
      }
      if (url !== '') settings.url = url;
      break;
    }
    case 'email':
      if (to.length === 0) problems['to'] = 'Enter at least one email address.';
      else if (!to.every((address) => /^[^@]+@[^@]+$/.test(address))) {
        problems['to'] = 'Enter valid email addresses, such as name@example.com.';
      }
      settings.to = to;
      break;
    case 'pagerduty':
      if (routingKey === '' ? !isSaved : !/^[a-z0-9]{32}$/i.test(routingKey)) {
        problems['routing_key'] = 'Enter the 32-character integration key.';
      }
      if (routingKey !== '') settings.routing_key = routingKey;
      break;
    case 'web_push':
      break;
  }
  if (draft.mode === 'digest' && !(draft.everySeconds >= 60 && draft.everySeconds <= DAY_SECONDS)) {
    problems['delivery'] = 'Must be between 1 minute and 1 day.';
  }
  const value: NewChannel = {
    name: draft.name.trim(),
    kind: draft.kind,
    enabled: draft.enabled,
    settings,
    delivery:
      draft.mode === 'digest'
        ? { mode: 'digest', every_seconds: draft.everySeconds }
        : { mode: 'immediate' },
    minimum_severity: draft.severity,
    service_alerts: draft.serviceAlerts,
  };
  return { value, problems };
}

/** Where messages go, without secrets. */
export function describeTarget({ kind, settings }: Channel): string {
  if (typeof settings.url === 'string') return settings.url;
  if (settings.to) return settings.to.join(', ');
  return settings.host ?? (kind === 'pagerduty' ? 'integration key set' : 'URL set');
}

/** Returns the signing secret; only the response that creates it contains one. */
export function secretIn(answer: unknown): string | null {
  const { secret, settings } = (answer ?? {}) as {
    secret?: unknown;
    settings?: { secret?: unknown };
  };
  const found = secret ?? settings?.secret;
  return typeof found === 'string' ? found : null;
}
