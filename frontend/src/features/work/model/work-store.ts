import { useSyncExternalStore } from 'react';
import type { PostWork } from '@/features/work/api/wire';
import { untouched } from '@/features/work/model/change';

/**
 * The newest known work on each post, from lists, from this person's changes and from those of others.
 *
 * Lists keep what the server returned with them, so that no row moves; what they show of the work comes from here.
 */
class WorkStore {
  #known: ReadonlyMap<string, PostWork> = new Map();
  readonly #listeners = new Set<() => void>();

  all = (): ReadonlyMap<string, PostWork> => this.#known;

  /** Keeps what is newer than what is known, and returns whether any of it is. */
  merge(works: readonly PostWork[]): boolean {
    const newer = works.filter(
      ({ post, revision }) => revision > (this.#known.get(post)?.revision ?? -1),
    );
    if (newer.length === 0) return false;
    this.#known = new Map([...this.#known, ...newer.map((work) => [work.post, work] as const)]);
    for (const listener of this.#listeners) listener();
    return true;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

export const workStore = new WorkStore();

/** A post in a list, with the work that the list knows of. */
export interface Listed {
  post: { uuid: string };
  work?: PostWork | null | undefined;
}

/** The newest work on listed posts, in the same order. */
export function useWorks(items: readonly Listed[]): PostWork[] {
  const known = useSyncExternalStore(workStore.subscribe, workStore.all);
  return items.map((item) => newest(known, item));
}

/** The newest work on a listed post. */
export function useWork(item: Listed): PostWork {
  return newest(useSyncExternalStore(workStore.subscribe, workStore.all), item);
}

function newest(known: ReadonlyMap<string, PostWork>, { post, work }: Listed): PostWork {
  const listed = work ?? untouched(post.uuid);
  const found = known.get(post.uuid);
  return found !== undefined && found.revision > listed.revision ? found : listed;
}
