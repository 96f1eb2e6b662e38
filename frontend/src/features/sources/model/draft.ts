import type { NewSource, Source, SourceNetwork, SourceSettings } from '@/features/sources/api/wire';
import { hasApps, hasTokens } from '@/features/sources/model/describe';
import {
  isPointer,
  MAPPED_FIELDS,
  readPointers,
  toPointers,
  type Pointers,
} from '@/features/sources/model/mapping';
import type { Problems } from '@/lib/use-editor';

/** The server's limit on the hashtags of a source. */
export const TAGS_MAX = 20;

/** A source as its form holds it. Each network uses its own fields. */
export interface SourceDraft {
  network: SourceNetwork;
  name: string;
  /** Empty for the network's own host. */
  baseUrl: string;
  /** Address of a feed. */
  feedUrl: string;
  /** How often a feed or an instance is asked for; null for the default. The form does not show it. */
  intervalS: number | null;
  /** Hashtags as people write them: `#cats, dogs`. */
  tags: string;
  onlyLocal: boolean;
  /** What to hear, one query a line. */
  queries: string;
  /** Subreddits as people write them: `r/cats, dogs`. */
  subreddits: string;
  /** Whether topics add to the queries or hashtags. */
  followTopics: boolean;
  /** How many US dollars may be spent a month; empty for none. */
  usdPerMonth: string;
  /** Token to store. Empty keeps the stored one, which is never shown. */
  token: string;
  /** App to store, by its id and secret. Empty keeps the stored one. */
  clientId: string;
  clientSecret: string;
  /** Whether what is delivered is anything else than posts as the API takes them. */
  isMapped: boolean;
  /** Where the items are in what is delivered; empty for all of it. */
  items: string;
  /** Platform of items that name none; empty for the default. */
  platform: string;
  pointers: Pointers;
}

/** The server's limits on queries and money. */
const QUERIES_MAX = { x: 25, youtube: 5 };
const QUERY_CHARS_MAX = 512;
const USD_MAX = 1_000_000;
const SUBREDDITS_MAX = 25;

export const NEW_DRAFT: SourceDraft = {
  network: 'bluesky',
  name: '',
  baseUrl: '',
  feedUrl: '',
  intervalS: null,
  tags: '',
  onlyLocal: false,
  queries: '',
  subreddits: '',
  followTopics: false,
  usdPerMonth: '',
  token: '',
  clientId: '',
  clientSecret: '',
  isMapped: true,
  items: '',
  platform: '',
  pointers: {},
};

export function toDraft({ network, name, settings }: Source): SourceDraft {
  return {
    network,
    name,
    baseUrl: settings.base_url ?? '',
    feedUrl: settings.url ?? '',
    intervalS: settings.interval_s ?? null,
    tags: (settings.tags ?? []).join(' '),
    onlyLocal: settings.only_local ?? false,
    queries: settings.queries?.join('\n') ?? '',
    subreddits: settings.subreddits?.join(' ') ?? '',
    followTopics: settings.follow_topics ?? false,
    usdPerMonth: settings.usd_per_month?.toString() ?? '',
    token: '',
    clientId: '',
    clientSecret: '',
    isMapped: Boolean(settings.mapping),
    items: settings.items ?? '',
    platform: settings.platform ?? '',
    pointers: settings.mapping ? toPointers(settings.mapping) : {},
  };
}

/** The source to save, and what is wrong with it. The server checks addresses and hashtags. */
export function readDraft(draft: SourceDraft): { value: NewSource; problems: Problems } {
  const name = draft.name.trim();
  const problems = draft.network === 'webhook' ? problemsIn(draft) : {};
  if (name === '') problems['name'] = 'Enter a name.';
  if (draft.network === 'feed' && draft.feedUrl.trim() === '') {
    problems['url'] = 'Enter the address of the feed.';
  }
  if (draft.network === 'mastodon' && draft.baseUrl.trim() === '') {
    problems['base_url'] = 'Enter the address of the instance.';
  }
  if (draft.network === 'mastodon' && readTags(draft.tags).length > TAGS_MAX) {
    problems['tags'] = `Enter at most ${TAGS_MAX} hashtags.`;
  }
  if (draft.network === 'x' || draft.network === 'youtube') {
    const problem = problemWithQueries(readQueries(draft), {
      min: draft.followTopics ? 0 : 1,
      max: QUERIES_MAX[draft.network],
    });
    if (problem !== null) problems['queries'] = problem;
  }
  if (draft.network === 'x') {
    const usd = readUsd(draft);
    if (!(usd > 0 && usd <= USD_MAX)) {
      problems['usd_per_month'] = 'Enter how many dollars may be spent a month, such as 20.';
    }
  }
  if (draft.network === 'reddit') Object.assign(problems, problemsWithReddit(draft));
  const value = { network: draft.network, name, settings: readSettings(draft) };
  const credentials = readCredentials(draft);
  return { value: credentials === null ? value : { ...value, credentials }, problems };
}

/** The credentials of a draft; null if there are no new ones. */
function readCredentials({ network, token, clientId, clientSecret }: SourceDraft) {
  if (hasTokens(network) && token.trim() !== '') return { token: token.trim() };
  const [client_id, client_secret] = [clientId.trim(), clientSecret.trim()];
  return hasApps(network) && client_id !== '' && client_secret !== ''
    ? { client_id, client_secret }
    : null;
}

function problemsWithReddit({ subreddits, clientId, clientSecret }: SourceDraft): Problems {
  const problems: Problems = {};
  const n_subreddits = readSubreddits(subreddits).length;
  if (n_subreddits === 0 || n_subreddits > SUBREDDITS_MAX) {
    problems['subreddits'] = `Enter 1 to ${SUBREDDITS_MAX} subreddits.`;
  }
  if ((clientId.trim() === '') !== (clientSecret.trim() === '')) {
    const missing = clientId.trim() === '' ? 'client_id' : 'client_secret';
    problems[`credentials.${missing}`] = 'Enter both the id and the secret of the app.';
  }
  return problems;
}

/** The queries of a draft, each once. */
function readQueries({ queries }: SourceDraft): string[] {
  const lines = queries.split('\n').map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ''))];
}

/** The budget of a draft in US dollars; NaN if it is no number. */
function readUsd({ usdPerMonth }: SourceDraft): number {
  const text = usdPerMonth.trim().replace(/^\$/, '');
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
}

function problemWithQueries(
  queries: readonly string[],
  { min, max }: { min: number; max: number },
): string | null {
  if (queries.length < min || queries.length > max) {
    return `Enter ${min === 0 ? 'at most' : '1 to'} ${max} queries, each on a line of its own.`;
  }
  const isLong = queries.some((query) => [...query].length > QUERY_CHARS_MAX);
  return isLong ? `Shorten each query to ${QUERY_CHARS_MAX} characters.` : null;
}

/** The settings of a draft, as far as its network has them. */
export function readSettings(draft: SourceDraft): SourceSettings {
  const { intervalS, isMapped, onlyLocal } = draft;
  const tags = readTags(draft.tags);
  const queries = readQueries(draft);
  const follows = draft.followTopics && { follow_topics: true };
  const asks = (queries.length > 0 || !draft.followTopics) && { queries };
  const [base_url, url, items, platform] = [
    draft.baseUrl.trim(),
    draft.feedUrl.trim(),
    draft.items.trim(),
    draft.platform.trim(),
  ];
  switch (draft.network) {
    case 'bluesky':
      return base_url === '' ? {} : { base_url };
    case 'feed':
      return { url, ...(intervalS !== null && { interval_s: intervalS }) };
    case 'mastodon':
      return {
        base_url,
        ...(tags.length > 0 && { tags }),
        ...follows,
        ...(onlyLocal && { only_local: true }),
        ...(intervalS !== null && { interval_s: intervalS }),
      };
    case 'x':
      return {
        ...(base_url !== '' && { base_url }),
        ...asks,
        ...follows,
        usd_per_month: readUsd(draft),
      };
    case 'youtube':
      return {
        ...(base_url !== '' && { base_url }),
        ...asks,
        ...follows,
        ...(intervalS !== null && { interval_s: intervalS }),
      };
    case 'reddit':
      return {
        ...(base_url !== '' && { base_url }),
        subreddits: readSubreddits(draft.subreddits),
      };
    case 'webhook':
      return {
        ...(items !== '' && { items }),
        ...(isMapped && { mapping: readPointers(draft.pointers) }),
        ...(isMapped && platform !== '' && { platform }),
      };
  }
}

const NO_POINTER =
  'Begin with “/”, such as /user/name. Write ~1 for “/” in a name, and ~0 for “~”.';

function problemsIn({ isMapped, items, pointers }: SourceDraft): Problems {
  const problems: Problems = {};
  if (!isPointer(items.trim())) problems['items'] = NO_POINTER;
  for (const { path } of isMapped ? MAPPED_FIELDS : []) {
    if (!isPointer(pointers[path]?.trim() ?? '')) problems[`mapping.${path}`] = NO_POINTER;
  }
  return problems;
}

/** `['cats', 'dogs']` from `#cats, dogs`. */
function readTags(text: string): string[] {
  return readWords(text, /^#/);
}

/** `['cats', 'dogs']` from `r/cats, dogs`. Their case means nothing. */
function readSubreddits(text: string): string[] {
  const names = readWords(text, /^\/?r\//i);
  const isFirst = (name: string, index: number) =>
    names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) === index;
  return names.filter(isFirst);
}

/** Words between spaces and commas, each once, without what some begin with. */
function readWords(text: string, beginning: RegExp): string[] {
  const words = text.split(/[\s,]+/).map((word) => word.replace(beginning, ''));
  return [...new Set(words.filter((word) => word !== ''))];
}

/** The part of a source that people write. */
export function contentOf({ network, name, settings }: Source): NewSource {
  return { network, name, settings };
}
