export const TABS = ['open', 'history', 'rules', 'silences', 'channels', 'signals'] as const;
export type Tab = (typeof TABS)[number];

/** The tabs as they are named on the page, where a channel alone is a post's. */
export const TAB_NAMES: Record<Tab, string> = {
  open: 'Open',
  history: 'History',
  rules: 'Rules',
  silences: 'Silences',
  channels: 'Notification channels',
  signals: 'Signals',
};

export const STATES = ['open', 'resolved'] as const;
export const KINDS = ['negativity', 'churn', 'spike', 'virality', 'threshold'] as const;

export const OWNERS = ['all', 'mine', 'unassigned'] as const;
export type Owner = (typeof OWNERS)[number];

/** The state of the Alerts page, all of it in the URL; `state` and `rule` are the API's filters. */
export interface AlertsPlace {
  tab: Tab;
  /** The alert whose details are open. */
  alert?: string;
  state?: (typeof STATES)[number];
  rule?: (typeof KINDS)[number];
  /** Whose open alerts are listed; all by default. */
  owner?: Exclude<Owner, 'all'>;
}

/** Parses search parameters, ignoring invalid ones. */
export function parsePlace(search: Record<string, unknown>): AlertsPlace {
  const { tab, alert, state, rule, owner } = search;
  const place: AlertsPlace = { tab: TABS.find((known) => known === tab) ?? 'open' };
  const [knownState, knownRule] = [
    STATES.find((known) => known === state),
    KINDS.find((known) => known === rule),
  ];
  if (knownState !== undefined) place.state = knownState;
  if (knownRule !== undefined) place.rule = knownRule;
  if (owner === 'mine' || owner === 'unassigned') place.owner = owner;
  if (typeof alert === 'string' && alert !== '') place.alert = alert;
  return place;
}

export function placeToSearch(place: AlertsPlace): Record<string, string> {
  const { tab, alert, state, rule, owner } = place;
  return {
    ...(tab !== 'open' && { tab }),
    ...(state !== undefined && { state }),
    ...(rule !== undefined && { rule }),
    ...(owner !== undefined && { owner }),
    ...(alert !== undefined && { alert }),
  };
}
