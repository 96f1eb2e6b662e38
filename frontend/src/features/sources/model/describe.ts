import type { Tone } from '@/components/ui/badge';
import {
  GAPS_MAX,
  type Source,
  type SourceNetwork,
  type SourceState,
  type SourceTest,
} from '@/features/sources/api/wire';
import { capitalize, formatCount, formatElapsed, formatSome, formatSource } from '@/lib/format';

interface StateWords {
  word: string;
  tone: Tone;
  /** Shown if the server gives no reason. */
  meaning: string;
}

const STATES: Record<SourceState, StateWords> = {
  running: {
    word: 'running',
    tone: 'good',
    meaning: 'Receives new posts.',
  },
  catching_up: {
    word: 'catching up',
    tone: 'brand',
    meaning: 'Receives older posts until it has caught up.',
  },
  waiting: {
    word: 'waiting',
    tone: 'warning',
    meaning: 'Receives nothing at the moment and will retry.',
  },
  paused: {
    word: 'paused',
    tone: 'outline',
    meaning: 'Receives nothing until it is resumed.',
  },
  needs_key: {
    word: 'needs a key',
    tone: 'critical',
    meaning: 'The network requires a key, or rejects the current one.',
  },
  needs_approval: {
    word: 'needs approval',
    tone: 'critical',
    meaning: 'The network must first approve the use.',
  },
  refused: {
    word: 'refused',
    tone: 'critical',
    meaning: 'The network rejects the settings.',
  },
  failed: {
    word: 'failed',
    tone: 'critical',
    meaning: 'Crashed because of a bug; restarting.',
  },
};

/** Meanings of states that differ for a webhook, which only waits for deliveries. */
const DELIVERED: Partial<Record<SourceState, string>> = {
  running: 'Accepts signed deliveries.',
  paused: 'Rejects deliveries until it is resumed.',
  needs_key: 'The secret cannot be decrypted. Rotate it.',
};

export const stateWord = (state: SourceState) => STATES[state].word;
export const stateTone = (state: SourceState) => STATES[state].tone;

/** Whether posts arrive in this state. */
export function isHearing(state: SourceState): boolean {
  return state === 'running' || state === 'catching_up';
}

/** Whether a source has stopped until a person changes something. */
export function isStopped(state: SourceState): boolean {
  return state === 'needs_key' || state === 'needs_approval' || state === 'refused';
}

/** Why a source is in its state, as a sentence. */
export function describeReason(source: Pick<Source, 'network' | 'state' | 'reason'>): string {
  const { network, state, reason } = source;
  if (reason) return toSentence(reason);
  return (network === 'webhook' && DELIVERED[state]) || STATES[state].meaning;
}

/** `Running. Posts can be heard, without a key.` */
export function describeTest({ state, message }: SourceTest): string {
  return `${capitalize(stateWord(state))}. ${toSentence(message)}`;
}

function toSentence(text: string): string {
  return /[.!?]$/.test(text) ? capitalize(text) : `${capitalize(text)}.`;
}

/** What people should know about a network before they hear it. */
const NETWORK_HINTS: Partial<Record<SourceNetwork, string>> = {
  bluesky: 'All public posts, through a Jetstream host. No key is needed.',
  feed: 'The entries of an RSS, Atom or JSON feed, polled at intervals.',
  mastodon: 'The public posts on one instance. Most instances require an access token.',
  reddit:
    'New posts and comments in subreddits. Reddit must approve the app first, which it seldom does.',
  x: 'Posts that match queries, through the API of X. A bearer token and a budget are required: each post costs $0.005.',
  youtube: 'Videos that match queries, and their comments. Google requires an API key.',
  webhook: 'Other systems deliver posts to an address of its own, and sign each delivery.',
};

/** What networks issue to let their posts be heard, and where. */
const TOKENS: Partial<Record<SourceNetwork, { name: string; origin: string }>> = {
  mastodon: {
    name: 'Access token (optional)',
    origin:
      'On the instance, under Preferences → Development, create an application with the scope read, and copy its access token. Instances with a public timeline need none.',
  },
  x: {
    name: 'Bearer token',
    origin:
      'In X’s developer console, create a project with an app, buy credits, and copy the bearer token of the app. Each source needs an app of its own.',
  },
  youtube: {
    name: 'API key',
    origin:
      'In the Google Cloud console, enable “YouTube Data API v3” and create an API key under “Credentials”.',
  },
};

/** Networks that issue tokens to apps, which have an id and a secret, and how to get an app. */
const APPS: Partial<Record<SourceNetwork, string>> = {
  reddit:
    'Ask Reddit for access under its Responsible Builder Policy. Once it is approved, create an app of the type script at reddit.com/prefs/apps.',
};

/** Whether a network knows apps by an id and a secret. */
export const hasApps = (network: SourceNetwork) => APPS[network] !== undefined;
export const appOrigin = (network: SourceNetwork) => APPS[network] ?? '';

/** Whether a network issues tokens. */
export const hasTokens = (network: SourceNetwork) => TOKENS[network] !== undefined;
export const tokenName = (network: SourceNetwork) => TOKENS[network]?.name ?? '';
export const tokenOrigin = (network: SourceNetwork) => TOKENS[network]?.origin ?? '';

export const networkHint = (network: SourceNetwork) => NETWORK_HINTS[network];

/** The name of a network; a new one has none of its own yet. */
export const networkName = (network: SourceNetwork) => capitalize(formatSource(network));

const NONE = '–';

/** `1,204`, `0.4`; `–` while it is unknown. */
export function formatPerMinute(rate: number | null): string {
  if (rate === null) return NONE;
  return rate > 0 && rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate));
}

/** How long after its publication the newest post arrived: `0.4 s`. */
export function formatLag(lag_s: number | null | undefined): string {
  return lag_s === null || lag_s === undefined ? NONE : formatElapsed(lag_s * 1_000);
}

/** `No gaps`, `1 gap`, `100+ gaps`. */
export function formatGaps(n_gaps: number): string {
  if (n_gaps === 0) return 'No gaps';
  return `${formatSome(n_gaps, n_gaps >= GAPS_MAX)} ${n_gaps === 1 ? 'gap' : 'gaps'}`;
}
