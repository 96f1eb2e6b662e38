import { expect, test } from 'vitest';
import type { Topic, TopicPreview } from '@/features/topics/api/wire';
import {
  announceCheck,
  describeBasis,
  describeProblem,
  describeRate,
  saysMore,
} from '@/features/topics/model/describe';
import {
  contentOf,
  isOurs,
  NEW_DRAFT,
  readDraft,
  toDraft,
  tracksChurn,
  type TopicDraft,
} from '@/features/topics/model/draft';
import { leavesOut, withExclusion } from '@/features/topics/model/packs';
import { segmentsOf, toUtf16, type Mark } from '@/features/topics/model/spans';

const topic: Topic = {
  id: 't1',
  name: 'Harbor Pay',
  kind: 'product',
  is_ours: true,
  tracks_churn: false,
  query: '"harbor pay"',
  enabled: true,
  created_at: '2026-11-20T08:00:00Z',
  updated_at: '2026-11-20T08:00:00Z',
};

const draft = (changes: Partial<TopicDraft>): TopicDraft => ({
  ...NEW_DRAFT,
  name: 'Tide',
  query: 'tide',
  ...changes,
});

test('a topic survives its form unchanged', () => {
  const { value, problems } = readDraft(toDraft(topic));
  expect(problems).toEqual({});
  expect(value).toEqual(contentOf(topic));
});

test('lines of a stored query end as those of a text field do', () => {
  expect(toDraft({ ...topic, query: 'a\r\nb\rc' }).query).toBe('a\nb\nc');
});

test.each<[string, Partial<TopicDraft>, { ours: boolean; churn: boolean }]>([
  ['a product', { kind: 'product' }, { ours: true, churn: true }],
  ['a brand', { kind: 'brand' }, { ours: true, churn: true }],
  ['a competitor', { kind: 'competitor' }, { ours: false, churn: false }],
  ['a person', { kind: 'person' }, { ours: false, churn: false }],
  ['an event of ours', { kind: 'event', isOurs: true }, { ours: true, churn: true }],
  ['the product of others', { kind: 'product', isOurs: false }, { ours: false, churn: false }],
  ['an issue with churn', { kind: 'issue', tracksChurn: true }, { ours: false, churn: true }],
  ['a brand without churn', { kind: 'brand', tracksChurn: false }, { ours: true, churn: false }],
])('%s has the defaults of the server', (_, changes, { ours, churn }) => {
  expect([isOurs(draft(changes)), tracksChurn(draft(changes))]).toEqual([ours, churn]);
  expect(readDraft(draft(changes)).value).toMatchObject({ is_ours: ours, tracks_churn: churn });
});

test.each<[string, Partial<TopicDraft>, string[]]>([
  ['no name', { name: ' ' }, ['name']],
  ['no query', { query: ' \n' }, ['query']],
  ['a query that is too long', { query: '🌊'.repeat(4_097) }, ['query']],
  ['a query of the greatest length', { query: '🌊'.repeat(4_096) }, []],
])('%s is judged', (_, changes, fields) => {
  expect(Object.keys(readDraft(draft(changes)).problems)).toEqual(fields);
});

test.each<[string, [number, number], [number, number]]>([
  ['abc', [1, 2], [1, 2]],
  ['🌊🌊 tide', [3, 7], [5, 9]],
  ['é🌊', [1, 2], [1, 3]],
  ['👩‍🚀 go', [0, 3], [0, 5]],
  ['tide', [4, 9], [4, 4]],
  ['', [0, 1], [0, 0]],
])('positions in “%s” are converted to UTF-16', (text, [from, to], [utf16From, utf16To]) => {
  expect(toUtf16(text, { from, to })).toEqual({ from: utf16From, to: utf16To });
});

const error = (from: number, to: number): Mark => ({ span: { from, to }, tone: 'error' });
const hint = (from: number, to: number): Mark => ({ span: { from, to }, tone: 'hint' });

test.each<[string, Mark[], string]>([
  ['tide OR', [error(5, 7)], 'tide |[OR]'],
  ['🌊 (tide', [error(2, 3)], '🌊 |[(]|tide'],
  ['and 🌊 or', [hint(6, 8), hint(0, 3)], '{and}| 🌊 |{or}'],
  ['tide', [], 'tide'],
  ['tide', [error(0, 4)], '[tide]'],
  ['tide', [error(4, 4)], 'tid|[e]'],
  ['tide🌊', [error(5, 5)], 'tide|[🌊]'],
  ['tide', [error(1, 1)], 't|[i]|de'],
  ['tide', [error(0, 3), hint(2, 4)], '[tid]|e'],
  ['', [error(0, 0)], ''],
])('the marks of “%s” split it', (text, marks, expected) => {
  const segments = segmentsOf(text, marks);
  const shown = { error: ['[', ']'], hint: ['{', '}'] } as const;
  const parts = segments.map((segment) => {
    const [open, close] = segment.tone === null ? ['', ''] : shown[segment.tone];
    return `${open}${segment.text}${close}`;
  });
  expect(parts.join('|')).toBe(expected);
  expect(segments.map((segment) => segment.text).join('')).toBe(text);
});

test('a problem says where it is, unless it concerns the whole query', () => {
  const message = 'write a term after `OR`';
  const at = (from: number, to: number) => ({ span: { from, to }, message });
  expect(describeProblem(at(5, 7), 'tide OR')).toBe('Characters 6 to 7: write a term after `OR`.');
  expect(describeProblem(at(2, 3), '🌊 (tide')).toBe('Character 3: write a term after `OR`.');
  expect(describeProblem(at(0, 7), 'tide OR')).toBe('Write a term after `OR`.');
});

test('a checked query is announced', () => {
  expect(announceCheck('Character 1: no.', 0)).toBe('Character 1: no.');
  expect(announceCheck(null, 0)).toBe('The query is valid.');
  expect(announceCheck(null, 2)).toBe('The query is valid, with 2 hints.');
});

test('the canonical form is shown only if it says more', () => {
  expect(saysMore('tide OR wave', ' Tide OR\n wave')).toBe(false);
  expect(saysMore('tide AND wave', 'tide wave')).toBe(true);
});

test('a preview is described in words', () => {
  const preview: TopicPreview = {
    from: '2026-11-20T08:00:00Z',
    to: '2026-11-21T08:00:00Z',
    posts_read: 480,
    posts_matched: 12,
    per_day: 12,
    items: [],
  };
  expect(describeRate(preview)).toBe('About 12 posts a day');
  expect(describeBasis(preview)).toBe('12 of 480 posts in the last 24 hours match.');
  const busy = { ...preview, from: '2026-11-21T05:00:00Z', posts_read: 5_000, per_day: 96.4 };
  expect(describeRate(busy)).toBe('About 96 posts a day');
  expect(describeBasis(busy)).toBe('12 of the newest 5,000 posts, from the last 3 h, match.');
  expect(describeRate({ ...preview, posts_matched: 0, per_day: 0 })).toBe('No recent post matches');
  const { per_day, ...silent } = { ...preview, posts_read: 0, posts_matched: 0 };
  void per_day;
  expect(describeRate(silent)).toBe('No recent posts');
});

test('a pack is left out and taken in again', () => {
  const cases: [query: string, without: string][] = [
    ['tide', 'tide NOT is:giveaway'],
    ['tide OR ebb', '(tide OR ebb) NOT is:giveaway'],
    ['(tide OR ebb) sea', '(tide OR ebb) sea NOT is:giveaway'],
    ['"now OR never"', '"now OR never" NOT is:giveaway'],
    ['tide NOT is:job_ad', 'tide NOT is:job_ad NOT is:giveaway'],
  ];
  for (const [query, without] of cases) {
    expect(leavesOut(query, 'giveaway')).toBe(false);
    expect(withExclusion(query, 'giveaway', true)).toBe(without);
    expect(leavesOut(without, 'giveaway')).toBe(true);
  }
  expect(withExclusion('tide AND NOT is:giveaway sea', 'giveaway', false)).toBe('tide sea');
  expect(withExclusion('tide -is:Giveaway', 'giveaway', false)).toBe('tide');
  expect(leavesOut('tide is:giveaway', 'giveaway')).toBe(false);
});
