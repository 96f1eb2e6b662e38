import type { PostWork, WorkChange, WorkResult } from '@/features/work/api/wire';

/** The server's limit for one request. */
export const BULK_MAX = 500;

export interface Item {
  post: string;
  change: WorkChange & { revision?: number };
}

/** The work on a post that nobody has worked on. */
export function untouched(post: string): PostWork {
  return {
    post,
    status: 'open',
    needs_answer: false,
    assignee: null,
    tags: [],
    notes: 0,
    revision: 0,
    updated_at: null,
    updated_by: null,
  };
}

/**
 * The same change for each post.
 *
 * Tags merge, so they need no revision; any other change is made only to what the person saw.
 */
export function toItems(works: readonly PostWork[], change: WorkChange): Item[] {
  const overwrites = Object.keys(change).some((field) => !field.endsWith('_tags'));
  return works.map(({ post, revision }) => ({
    post,
    change: { ...change, ...(overwrites && { revision }) },
  }));
}

/** What takes the change back where it was made, unless someone has changed the post since. */
export function toUndo(before: readonly PostWork[], results: readonly WorkResult[]): Item[] {
  const known = new Map(before.map((work) => [work.post, work]));
  return results.flatMap(({ post, outcome, work: after }) => {
    const was = known.get(post);
    if (outcome !== 'changed' || was === undefined || after == null) return [];
    const change = {
      revision: after.revision,
      status: was.status,
      assignee: was.assignee ?? null,
      needs_answer: was.needs_answer,
      add_tags: was.tags.filter((tag) => !after.tags.includes(tag)),
      remove_tags: after.tags.filter((tag) => !was.tags.includes(tag)),
    };
    return [{ post, change }];
  });
}

/** The items in parts that the server takes. */
export function inParts(items: readonly Item[]): Item[][] {
  const n_parts = Math.ceil(items.length / BULK_MAX);
  return Array.from({ length: n_parts }, (_, i) => items.slice(i * BULK_MAX, (i + 1) * BULK_MAX));
}
