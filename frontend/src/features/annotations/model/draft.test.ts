import { expect, test } from 'vitest';
import { draftFor, readDraft, TEXT_MAX } from '@/features/annotations/model/draft';

const ZONE = 'Europe/Berlin';
const draft = {
  ...draftFor(
    { from: '2026-11-21T08:40:00Z', to: '2026-11-21T08:50:00Z', product: undefined },
    ZONE,
  ),
  text: ' Launch ',
};

test('times are written by the clock of the zone and sent as they are', () => {
  expect(draft.from).toBe('2026-11-21T09:40');
  expect(readDraft(draft, ZONE)).toEqual({
    value: {
      text: 'Launch',
      starts_at: '2026-11-21T08:40:00Z',
      ends_at: '2026-11-21T08:50:00Z',
      product: null,
    },
    problems: {},
  });
  expect(readDraft({ ...draft, to: '' }, ZONE).value.ends_at).toBeNull();
});

test.each([
  [{ text: ' ' }, 'text', 'Describe what happened.'],
  [{ text: 'x'.repeat(TEXT_MAX + 1) }, 'text', 'Use at most 200 characters.'],
  [{ from: '' }, 'starts_at', 'Choose a time.'],
  [{ to: 'soon' }, 'ends_at', 'Choose an end time, or leave it empty.'],
  [{ to: draft.from }, 'ends_at', 'The end must be after the start.'],
])('a mistake is named: %o', (changes, field, problem) => {
  expect(readDraft({ ...draft, ...changes }, ZONE).problems).toEqual({ [field]: problem });
});
