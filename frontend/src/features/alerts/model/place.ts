export const TABS = ['open', 'history', 'rules', 'silences', 'channels', 'signals'] as const;
export type Tab = (typeof TABS)[number];

export const STATES = ['open', 'resolved'] as const;
export const KINDS = ['negativity', 'churn', 'spike', 'virality', 'threshold'] as const;

/** The state of the Alerts page, all of it in the URL; `state` and `rule` are the API's filters. */
export interface AlertsPlace {
  tab: Tab;
  /** The alert whose details are open. */
  alert?: string;
  state?: (typeof STATES)[number];
  rule?: (typeof KINDS)[number];
}

/** Parses search parameters, ignoring invalid ones. */
export function parsePlace(search: Record<string, unknown>): AlertsPlace {
  const { tab, alert, state, rule } = search;
  const place: AlertsPlace = { tab: TABS.find((known) => known === tab) ?? 'open' };
  const [knownState, knownRule] = [
    STATES.find((known) => known === state),
    KINDS.find((known) => known === rule),
  ];
  if (knownState !== undefined) place.state = knownState;
  if (knownRule !== undefined) place.rule = knownRule;
  if (typeof alert === 'string' && alert !== '') place.alert = alert;
  return place;
}

export function placeToSearch({ tab, alert, state, rule }: AlertsPlace): Record<string, string> {
  return {
    ...(tab !== 'open' && { tab }),
    ...(state !== undefined && { state }),
    ...(rule !== undefined && { rule }),
    ...(alert !== undefined && { alert }),
  };
}
