import type { Status, WorkMoment, WorkResult } from '@/features/work/api/wire';

export const STATUS_NAMES: Record<Status, string> = {
  open: 'Open',
  in_progress: 'In progress',
  answered: 'Answered',
  closed: 'Closed',
};

function nameOfStatus(status: string | null | undefined): string {
  const names: Record<string, string> = STATUS_NAMES;
  return (names[status ?? ''] ?? status ?? '').toLowerCase();
}

/** `set the status to answered`: what an entry of the history says after the name of the person. */
export function describeMoment({ field, before, after }: WorkMoment): string {
  switch (field) {
    case 'status':
      return `set the status to ${nameOfStatus(after)}`;
    case 'assignee':
      return after == null ? `unassigned it from ${before}` : `assigned it to ${after}`;
    case 'needs_answer':
      return after === 'true' ? 'added it to the queue' : 'removed it from the queue';
    case 'tag':
      return after == null ? `removed the tag “${before}”` : `added the tag “${after}”`;
    case 'note':
      return 'wrote a note';
  }
}

/** Says what became of a change, and which posts it left alone, and why. */
export function describeResults(done: string, results: readonly WorkResult[]): string {
  const count = (wanted: WorkResult['outcome']) =>
    results.filter(({ outcome }) => outcome === wanted).length;
  const posts = (n: number) => (n === 1 ? '1 post' : `${n} posts`);
  const refused = [
    [count('conflict'), 'not updated: changed by someone else meanwhile'],
    [count('too_many_tags'), 'already had 20 tags'],
    [count('unknown_post'), 'no longer stored'],
  ] as const;
  const parts = refused.flatMap(([n, why]) => (n === 0 ? [] : [`${posts(n)} ${why}`]));
  const n_done = count('changed') + count('unchanged');
  return [...(n_done === 0 ? [] : [`${posts(n_done)} ${done}`]), ...parts].join('; ') + '.';
}
