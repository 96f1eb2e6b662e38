import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import { WORK_NAMES_KEY } from '@/config/query-keys';
import type {
  PostWork,
  WorkChange,
  WorkChanges,
  WorkHistory,
  WorkResult,
} from '@/features/work/api/wire';
import { inParts, toItems, toUndo, type Item } from '@/features/work/model/change';
import { workStore } from '@/features/work/model/work-store';
import { getJson, sendJson } from '@/lib/api-client';

export const QUEUE_KEY = ['queue'];
const HISTORY_KEY = ['work-history'];

/** How soon the page shows what others did. */
const REFRESH_EVERY_MS = 3_000;

/** Follows the changes that others make. A page that shows work calls it once. */
export function useWorkChanges(): void {
  const client = useQueryClient();
  useQuery({
    queryKey: ['work-changes'],
    queryFn: async ({ signal, queryKey }) => {
      const since = client.getQueryData<number>(queryKey);
      const { revision, items } = await getJson<WorkChanges>(paths.work, { since }, signal);
      if (workStore.merge(items)) {
        void client.invalidateQueries({ queryKey: QUEUE_KEY });
        void client.invalidateQueries({ queryKey: HISTORY_KEY });
        void client.invalidateQueries({ queryKey: WORK_NAMES_KEY });
      }
      return revision;
    },
    refetchInterval: REFRESH_EVERY_MS,
    staleTime: 0,
  });
}

/** The work on a post, with its history. */
export function useHistory(post: string) {
  return useQuery({
    queryKey: [...HISTORY_KEY, post],
    queryFn: async ({ signal }) => {
      const history = await getJson<WorkHistory>(paths.postHistory(post), {}, signal);
      workStore.merge([history.work]);
      return history;
    },
  });
}

interface Request {
  works: readonly PostWork[];
  change: WorkChange;
  /** What the change does, after the number of posts: `assigned to Ana`. */
  done: string;
}

/** What a change did, and what undoes it. */
export interface Done {
  done: string;
  results: WorkResult[];
  undo: Item[];
}

/** Changes the work on posts, and takes changes back. Its data is the last change. */
export function useChangeWork() {
  const client = useQueryClient();
  const send = async (items: readonly Item[]): Promise<WorkResult[]> => {
    const results: WorkResult[] = [];
    for (const part of inParts(items)) {
      const answer = await sendJson<{ items: WorkResult[] }>('POST', paths.work, { items: part });
      results.push(...answer.items);
    }
    workStore.merge(results.flatMap(({ work }) => (work == null ? [] : [work])));
    return results;
  };
  return useMutation({
    mutationFn: async (request: Request | { undo: readonly Item[] }): Promise<Done> => {
      if ('undo' in request) {
        return { done: 'changed back', results: await send(request.undo), undo: [] };
      }
      const { works, change, done } = request;
      const results = await send(toItems(works, change));
      return { done, results, undo: toUndo(works, results) };
    },
    onSuccess: () => refresh(client),
  });
}

/** Adds a note to a post. */
export function useAddNote(post: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (text: string) => sendJson<PostWork>('POST', paths.postNotes(post), { text }),
    onSuccess: (work) => {
      workStore.merge([work]);
      return refresh(client);
    },
  });
}

/** The queue is not refetched, so that the rows that a person works on stay in place. */
function refresh(client: ReturnType<typeof useQueryClient>) {
  void client.invalidateQueries({ queryKey: WORK_NAMES_KEY });
  return client.invalidateQueries({ queryKey: HISTORY_KEY });
}
