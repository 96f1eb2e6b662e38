import { describe, expect, it } from 'vitest';
import type { PostWork, WorkResult } from '@/features/work/api/wire';
import { BULK_MAX, inParts, toItems, toUndo, untouched } from '@/features/work/model/change';
import { describeMoment, describeResults } from '@/features/work/model/describe';
import { isTyping } from '@/features/work/model/keys';
import { parsePlace, placeToSearch } from '@/features/work/model/place';
import { workStore } from '@/features/work/model/work-store';

const work = (post: string, changes: Partial<PostWork> = {}): PostWork => ({
  ...untouched(post),
  ...changes,
});

describe('changes', () => {
  it('name the revision that a person saw, unless they merge', () => {
    const works = [work('a', { revision: 3 })];
    expect(toItems(works, { status: 'closed' })).toEqual([
      { post: 'a', change: { status: 'closed', revision: 3 } },
    ]);
    expect(toItems(works, { add_tags: ['late'] })).toEqual([
      { post: 'a', change: { add_tags: ['late'] } },
    ]);
  });

  it('are taken back only where they were made', () => {
    const before = [work('a', { tags: ['x'], assignee: 'Bob' }), work('b')];
    const results: WorkResult[] = [
      { post: 'a', outcome: 'changed', work: work('a', { revision: 9, tags: ['x', 'y'] }) },
      { post: 'b', outcome: 'conflict', work: work('b', { revision: 8 }) },
    ];
    const change = {
      revision: 9,
      status: 'open',
      assignee: 'Bob',
      needs_answer: false,
      add_tags: [],
      remove_tags: ['y'],
    };
    expect(toUndo(before, results)).toEqual([{ post: 'a', change }]);
  });

  it('are sent in parts that the server takes', () => {
    const works = Array.from({ length: BULK_MAX + 1 }, (_, i) => work(`${i}`));
    const parts = inParts(toItems(works, { status: 'closed' }));
    expect(parts.map(({ length }) => length)).toEqual([BULK_MAX, 1]);
  });
});

describe('results', () => {
  const result = (outcome: WorkResult['outcome']): WorkResult => ({
    post: 'a',
    outcome,
    work: null,
  });

  it.each([
    [['changed', 'unchanged'], '2 posts closed.'],
    [
      ['changed', 'conflict'],
      '1 post closed; 1 post not updated: changed by someone else meanwhile.',
    ],
    [['unknown_post', 'too_many_tags'], '1 post already had 20 tags; 1 post no longer stored.'],
  ] as const)('%j: %s', (outcomes, text) => {
    expect(describeResults('closed', outcomes.map(result))).toBe(text);
  });
});

describe('the history', () => {
  it.each([
    ['status', 'open', 'in_progress', 'set the status to in progress'],
    ['assignee', null, 'Ana', 'assigned it to Ana'],
    ['assignee', 'Ana', null, 'unassigned it from Ana'],
    ['needs_answer', 'false', 'true', 'added it to the queue'],
    ['tag', null, 'late', 'added the tag “late”'],
    ['tag', 'late', null, 'removed the tag “late”'],
    ['note', null, 'Hello', 'wrote a note'],
  ] as const)('%s from %s to %s', (field, before, after, text) => {
    expect(describeMoment({ at: '', actor: null, field, before, after })).toBe(text);
  });
});

describe('the work store', () => {
  it('keeps what is newer', () => {
    expect(workStore.merge([work('s', { revision: 2, tags: ['new'] })])).toBe(true);
    expect(workStore.merge([work('s', { revision: 1, tags: ['old'] })])).toBe(false);
    expect(workStore.all().get('s')?.tags).toEqual(['new']);
  });
});

describe('the place', () => {
  it('survives the URL, without what is not valid', () => {
    const place = { owner: 'mine', order: 'reach', status: 'closed', tag: 'vip', post: 'p' };
    expect(placeToSearch(parsePlace(place))).toEqual(place);
    expect(placeToSearch(parsePlace({ owner: 'x', order: 1, status: 'done', tag: '' }))).toEqual(
      {},
    );
  });
});

describe('keys', () => {
  const press = (target: Element, changes = {}) =>
    isTyping({ target, altKey: false, ctrlKey: false, metaKey: false, ...changes });

  it('are text in a field, and shortcuts elsewhere', () => {
    const checkbox = Object.assign(document.createElement('input'), { type: 'checkbox' });
    expect(press(document.createElement('textarea'))).toBe(true);
    expect(press(document.createElement('button'))).toBe(false);
    expect(press(checkbox)).toBe(false);
    expect(press(document.createElement('button'), { ctrlKey: true })).toBe(true);
  });
});
