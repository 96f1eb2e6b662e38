import { expect, test } from 'vitest';
import { SOURCE_NETWORKS } from '@/api/enums.generated';
import type { Source, SourceState } from '@/features/sources/api/wire';
import {
  BLUESKY,
  describeDone,
  describeFailed,
  undoOf,
  type SourceAction,
} from '@/features/sources/model/action';
import {
  describeReason,
  describeTest,
  formatGaps,
  formatLag,
  formatPerMinute,
  isStopped,
  networkHint,
  networkName,
  stateWord,
} from '@/features/sources/model/describe';
import { NEW_DRAFT, readDraft, toDraft } from '@/features/sources/model/draft';
import { nextReadings, postsPerMinute, type Reading } from '@/features/sources/model/rate';
import { sampleSource } from '@/features/sources/testing';

const STATES: SourceState[] = [
  'running',
  'catching_up',
  'waiting',
  'paused',
  'needs_key',
  'needs_approval',
  'refused',
  'failed',
];

/** Reads the first source at each of these seconds. */
function read(...answers: [second: number, offered: number, state?: SourceState][]) {
  return answers.reduce<readonly Reading[]>((readings, [second, offered, state = 'running']) => {
    return nextReadings(readings, [sampleSource({ offered, state })], second * 1_000);
  }, []);
}

test('the rate is the change between refreshes, and unknown until there are two', () => {
  const check = (readings: readonly Reading[], rate: number | null) =>
    expect(postsPerMinute(readings, 's1')).toBe(rate);
  check([], null);
  check(read([1, 500]), null);
  check(read([1, 500], [3, 560]), 1_800);
  check(read([1, 500], [3, 500]), 0);
  // Too soon after the last one to tell.
  check(read([1, 500], [2, 560]), null);
  // All readings of the last 20 seconds count.
  check(read([1, 0], [11, 100], [21, 700]), 3_600);
  check(read([1, 0], [12, 100], [21, 100], [23, 100]), 0);
  // A source that hears nothing has no rate, and neither has one that has just begun to.
  check(read([1, 500], [3, 560], [5, 560, 'paused']), null);
  check(read([1, 500, 'paused'], [3, 500]), null);
  check(read([1, 500], [3, 500, 'waiting'], [5, 510], [7, 530]), 600);
  // A page that was hidden for a while begins again.
  check(read([1, 500], [3, 560], [900, 90_000]), null);
  expect(postsPerMinute(read([1, 500], [3, 560]), 'other')).toBeNull();
});

test('the same answer is read once', () => {
  const readings = read([1, 500]);
  expect(nextReadings(readings, [sampleSource({})], 1_000)).toBe(readings);
  expect(nextReadings(readings, undefined, 2_000)).toBe(readings);
});

test('every state has words and a reason', () => {
  const words = STATES.map(stateWord);
  expect(words).toContain('needs a key');
  expect(new Set(words).size).toBe(STATES.length);
  for (const state of STATES)
    expect(describeReason(sampleSource({ state }))).toMatch(/^[A-Z].*\.$/);
  expect(describeReason(sampleSource({ state: 'waiting', reason: 'cannot reach the host' }))).toBe(
    'Cannot reach the host.',
  );
  expect(describeReason(sampleSource({ state: 'waiting', reason: 'is it there?' }))).toBe(
    'Is it there?',
  );
  expect(STATES.filter(isStopped)).toEqual(['needs_key', 'needs_approval', 'refused']);
  expect(describeTest({ state: 'needs_key', message: '401' })).toBe('Needs a key. 401.');
});

test('figures are honest about what is unknown', () => {
  expect([null, 0, 0.4, 9.99, 1_680].map(formatPerMinute)).toEqual([
    '–',
    '0',
    '0.4',
    '10.0',
    '1,680',
  ]);
  expect([undefined, null, 0.42, 2_412].map(formatLag)).toEqual(['–', '–', '0.4 s', '40 min']);
  expect([0, 1, 2, 100].map(formatGaps)).toEqual(['No gaps', '1 gap', '2 gaps', '100+ gaps']);
});

test('networks come from the API, and a new one is offered under its own name', () => {
  expect(SOURCE_NETWORKS).toContain('bluesky');
  expect(networkName('bluesky')).toBe('Bluesky');
  expect(networkName('youtube')).toBe('YouTube');
  const unknown = 'skyline' as Source['network'];
  expect([networkName(unknown), networkHint(unknown)]).toEqual(['Skyline', undefined]);
});

test('a draft becomes a source', () => {
  const source = sampleSource({ settings: { base_url: 'https://a.example' } });
  expect(readDraft(toDraft(source))).toEqual({
    value: {
      network: 'bluesky',
      name: 'Bluesky',
      settings: { base_url: 'https://a.example' },
    },
    problems: {},
  });
  expect(readDraft({ ...NEW_DRAFT, name: ' Sky ', baseUrl: ' ' }).value).toEqual({
    network: 'bluesky',
    name: 'Sky',
    settings: {},
  });
  expect(readDraft(NEW_DRAFT).problems).toEqual({ name: 'Enter a name.' });
});

test('a source on Mastodon has an instance, and may have hashtags', () => {
  const draft = { ...NEW_DRAFT, network: 'mastodon', name: 'Fedi' } as const;
  expect(readDraft(draft).problems).toEqual({ base_url: 'Enter the address of the instance.' });
  const filled = {
    ...draft,
    baseUrl: 'https://social.example',
    tags: ' #cats, dogs #cats ',
    onlyLocal: true,
  };
  const settings = { base_url: 'https://social.example', tags: ['cats', 'dogs'], only_local: true };
  expect(readDraft(filled)).toEqual({
    value: { network: 'mastodon', name: 'Fedi', settings },
    problems: {},
  });
  const source = sampleSource({ network: 'mastodon', name: 'Fedi', settings });
  expect(readDraft(toDraft(source)).value.settings).toEqual(settings);
  const many = Array.from({ length: 21 }, (_, n) => `tag${n}`).join(' ');
  expect(readDraft({ ...filled, tags: many }).problems).toEqual({
    tags: 'Enter at most 20 hashtags.',
  });
  // What was typed for another network is not saved.
  expect(readDraft({ ...filled, network: 'bluesky' }).value.settings).toEqual({
    base_url: 'https://social.example',
  });
});

test('settings without a field are kept', () => {
  const settings = { url: 'https://site.example/feed', interval_s: 600 };
  const source = sampleSource({ network: 'feed', settings });
  expect(readDraft(toDraft(source)).value.settings).toEqual(settings);
});

test('a source on X has queries, a budget, and a token that is sent only if it is new', () => {
  const draft = { ...NEW_DRAFT, network: 'x' as const, name: 'X' };
  const check = (changes: Partial<typeof draft>, problems: string[]) =>
    expect(Object.keys(readDraft({ ...draft, ...changes }).problems)).toEqual(problems);
  check({ queries: 'nimbrel\nvexa', usdPerMonth: '20' }, []);
  check({ queries: ' \n', usdPerMonth: '$20.50' }, ['queries']);
  check({ queries: 'x'.repeat(513), usdPerMonth: '20' }, ['queries']);
  check({ queries: Array.from({ length: 26 }, (_, n) => `q${n}`).join('\n'), usdPerMonth: '20' }, [
    'queries',
  ]);
  for (const usdPerMonth of ['', '0', '-1', '1e3', 'twenty', '1000001']) {
    check({ queries: 'nimbrel', usdPerMonth }, ['usd_per_month']);
  }
  const { value } = readDraft({
    ...draft,
    queries: ' nimbrel -is:retweet \n\nvexa\nvexa',
    usdPerMonth: ' 20.5 ',
    token: ' AAAA ',
  });
  const settings = { queries: ['nimbrel -is:retweet', 'vexa'], usd_per_month: 20.5 };
  expect(value).toEqual({ network: 'x', name: 'X', settings, credentials: { token: 'AAAA' } });
  const source = sampleSource({ network: 'x', settings, has_credentials: true });
  expect(readDraft(toDraft(source)).value.settings).toEqual(settings);
  expect(readDraft({ ...NEW_DRAFT, name: 'Sky', token: 'key' }).value.credentials).toBeUndefined();
});

test('a source on YouTube has queries, each once, and a key that is sent only if it is new', () => {
  const draft = { ...NEW_DRAFT, network: 'youtube' as const, name: 'Videos' };
  const check = (queries: string, read: string[], isUsable: boolean) => {
    const { value, problems } = readDraft({ ...draft, queries });
    expect(value).toEqual({ network: 'youtube', name: 'Videos', settings: { queries: read } });
    expect('queries' in problems).toBe(!isUsable);
  };
  check(' nimbrel | nimbrels \n\nacme\nacme', ['nimbrel | nimbrels', 'acme'], true);
  check(' \n', [], false);
  check('a\nb\nc\nd\ne', ['a', 'b', 'c', 'd', 'e'], true);
  check('a\nb\nc\nd\ne\nf', ['a', 'b', 'c', 'd', 'e', 'f'], false);
  const { value } = readDraft({ ...draft, queries: 'a', token: ' key ' });
  expect(value.credentials).toEqual({ token: 'key' });
  expect(readDraft({ ...NEW_DRAFT, name: 'Sky', token: 'key' }).value.credentials).toBeUndefined();
  const settings = { queries: ['a', 'b'], interval_s: 7_200 };
  const source = sampleSource({ network: 'youtube', settings, has_credentials: true });
  expect(readDraft(toDraft(source)).value.settings).toEqual(settings);
});

test('a source on Reddit has subreddits, each once, and an app that is sent only if it is new', () => {
  const draft = { ...NEW_DRAFT, network: 'reddit' as const, name: 'Threads' };
  const check = (changes: Partial<typeof draft>, problems: string[]) =>
    expect(Object.keys(readDraft({ ...draft, ...changes }).problems)).toEqual(problems);
  check({ subreddits: 'nimbrel' }, []);
  check({ subreddits: ' , ' }, ['subreddits']);
  check({ subreddits: Array.from({ length: 26 }, (_, n) => `sub${n}`).join(' ') }, ['subreddits']);
  check({ subreddits: 'nimbrel', clientId: 'id' }, ['credentials.client_secret']);
  check({ subreddits: 'nimbrel', clientSecret: 'secret' }, ['credentials.client_id']);
  const { value } = readDraft({
    ...draft,
    subreddits: 'r/nimbrel, /r/Sneakers Nimbrel',
    clientId: ' id ',
    clientSecret: ' secret ',
  });
  const settings = { subreddits: ['nimbrel', 'Sneakers'] };
  const credentials = { client_id: 'id', client_secret: 'secret' };
  expect(value).toEqual({ network: 'reddit', name: 'Threads', settings, credentials });
  const source = sampleSource({ network: 'reddit', settings, has_credentials: true });
  expect(readDraft(toDraft(source))).toMatchObject({ value: { settings }, problems: {} });
  const sky = { ...NEW_DRAFT, name: 'Sky', clientId: 'id', clientSecret: 'secret' };
  expect(readDraft(sky).value.credentials).toBeUndefined();
});

test('actions say what was done, and can be taken back', () => {
  const source = sampleSource({});
  const check = (action: SourceAction, done: RegExp, undo: SourceAction['kind'] | null) => {
    expect(describeDone(action)).toMatch(done);
    expect(describeFailed(action)).toMatch(/^“Bluesky” could not be [a-z ]+$/);
    expect(undoOf(action, source)?.kind ?? null).toBe(undo);
  };
  check({ kind: 'create', content: BLUESKY }, /^Created “Bluesky”/, 'delete');
  check({ kind: 'delete', source }, /^Deleted “Bluesky”\. Its posts are kept\.$/, 'restore');
  check({ kind: 'restore', source }, /^Restored “Bluesky”/, null);
  const keyed = { ...source, has_credentials: true };
  check({ kind: 'restore', source: keyed }, /^Restored “Bluesky”\. Enter its key again\.$/, null);
  check({ kind: 'pause', source }, /^Paused “Bluesky”\.$/, 'resume');
  check({ kind: 'resume', source }, /^Resumed “Bluesky”\.$/, 'pause');
  check({ kind: 'retry', source }, /^Restarted “Bluesky”\.$/, null);
  check({ kind: 'backfill', source, hours: 1 }, /Backfilling the last hour of/, null);
  check({ kind: 'backfill', source, hours: 24 }, /Backfilling the last 24 hours of/, null);
});
