import { expect, test } from 'vitest';
import { NEW_DRAFT, readDraft, toDraft } from '@/features/sources/model/draft';
import { isPointer, readPointers, toPointers } from '@/features/sources/model/mapping';
import { describePreview, factsOf } from '@/features/sources/model/preview';
import { listsIn, readSample, valuesIn } from '@/features/sources/model/sample';
import { sampleSource } from '@/features/sources/testing';

const WEBHOOK = { ...NEW_DRAFT, network: 'webhook', name: 'CRM' } as const;

test('a pointer begins with a slash and escapes what would end a name', () => {
  const check = (text: string, expected: boolean) => expect(isPointer(text), text).toBe(expected);
  check('', true);
  check('/', true);
  check('/user/name', true);
  check('/a~1b/m~0n', true);
  check('user', false);
  check('$.user', false);
  check('/a~', false);
  check('/a~2', false);
  check(`/${'a'.repeat(511)}`, true);
  check(`/${'a'.repeat(512)}`, false);
});

test('pointers become a mapping and back', () => {
  const mapping = {
    text: '/body',
    id: '/nr',
    author: { handle: '/by/name', followers: '/by/fans' },
    geo: { lat: '/at/0' },
  };
  const pointers = toPointers(mapping);
  expect(pointers).toEqual({
    text: '/body',
    id: '/nr',
    'author.handle': '/by/name',
    'author.followers': '/by/fans',
    'geo.lat': '/at/0',
  });
  expect(readPointers(pointers)).toEqual(mapping);
  expect(readPointers({ text: ' /t ', 'geo.city': ' ', lang: '' })).toEqual({ text: '/t' });
  expect(readPointers({})).toEqual({ text: '' });
  expect(toPointers({ text: '', author: null })).toEqual({ text: '' });
});

test('a draft of a webhook holds what its settings do', () => {
  const settings = {
    items: '/data',
    platform: 'crm',
    mapping: { text: '/t', geo: { city: '/c' } },
  };
  const source = sampleSource({ network: 'webhook', name: 'CRM', settings });
  expect(readDraft(toDraft(source))).toEqual({
    value: { network: 'webhook', name: 'CRM', settings },
    problems: {},
  });
  // Posts as they are have no mapping, and name their platform.
  const plain = { ...toDraft(source), isMapped: false, items: '' };
  expect(readDraft(plain).value.settings).toEqual({});
  expect(toDraft(sampleSource({ network: 'webhook', settings: {} })).isMapped).toBe(false);
  const wrong = { ...WEBHOOK, items: 'data', pointers: { text: 'body', 'geo.city': '/c~' } };
  expect(Object.keys(readDraft(wrong).problems)).toEqual([
    'items',
    'mapping.text',
    'mapping.geo.city',
  ]);
  expect(Object.keys(readDraft({ ...wrong, isMapped: false }).problems)).toEqual(['items']);
});

test('a feed keeps its interval, which the form does not show', () => {
  const settings = { url: 'https://example.org/feed', interval_s: 600 };
  const feed = sampleSource({ network: 'feed', settings });
  expect(readDraft(toDraft(feed)).value.settings).toEqual(settings);
  expect(readDraft({ ...NEW_DRAFT, network: 'feed', name: 'Blog' }).problems).toEqual({
    url: 'Enter the address of the feed.',
  });
});

test('a sample suggests where its items and their values are', () => {
  const sample = {
    data: { 'a/b': [{ id: 1, by: { 'm~n': 'ana' }, none: null }, { id: 2, ok: true }, 'x'] },
    tags: [],
  };
  expect(listsIn(sample)).toEqual([
    { pointer: '/data/a~1b', value: '3 items' },
    { pointer: '/tags', value: '0 items' },
  ]);
  expect(valuesIn(sample, '/data/a~1b')).toEqual([
    { pointer: '/id', value: '1' },
    { pointer: '/by/m~0n', value: 'ana' },
    { pointer: '/ok', value: 'true' },
  ]);
  expect(valuesIn(sample, '/nowhere')).toEqual([]);
  expect(valuesIn(sample, '/data/__proto__')).toEqual([]);
  expect(valuesIn(undefined, '')).toEqual([]);
  const deep = JSON.parse(`${'['.repeat(5_000)}1${']'.repeat(5_000)}`) as unknown;
  expect(valuesIn(deep, '')).toEqual([]);
  const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i]));
  expect(valuesIn(wide, '')).toHaveLength(200);
});

test('a sample is JSON, or a problem', () => {
  expect(readSample(' ')).toEqual({ kind: 'none' });
  expect(readSample('[1]')).toEqual({ kind: 'json', value: [1] });
  expect(readSample('{')).toEqual({ kind: 'problem' });
});

test('a preview says what becomes of a sample', () => {
  const post = { id: '7', platform: 'crm', text: 'hello' };
  const rejected = { index: 0, code: 'missing_field', field: 'text', message: 'no text' };
  const check = (n_posts: number, n_rejected: number, expected: string) =>
    expect(
      describePreview({
        posts: Array(n_posts).fill(post),
        rejected: Array(n_rejected).fill(rejected),
      }),
    ).toBe(expected);
  check(1, 0, '1 post');
  check(2, 1, '2 posts, 1 item rejected');
  check(0, 1_200, '0 posts, 1,200 items rejected');
  expect(factsOf({ ...post, author: { handle: 'ana', followers: 0 }, engagement: null })).toEqual([
    ['Id', '7'],
    ['Author', 'ana'],
    ['Platform', 'crm'],
    ['Followers of the author', '0'],
  ]);
});
