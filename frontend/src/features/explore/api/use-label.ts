import { useMutation, useQueryClient, type InfiniteData } from '@tanstack/react-query';
import type { Sentiment } from '@/api/wire';
import { paths } from '@/config/paths';
import { detailsKey, POSTS_KEY, type ExploredDetails } from '@/features/explore/api/use-posts';
import type { ExploredPage, NewLabel } from '@/features/explore/api/wire';
import { sendJson } from '@/lib/api-client';

type Pages = InfiniteData<ExploredPage>;

export interface LabelCorrection {
  uuid: string;
  /** Null removes the correction. */
  label: Sentiment | null;
  note?: string;
}

/** Corrects a post's label. Updates the cache at once and rolls it back if the server rejects the change. */
export function useCorrectLabel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ uuid, label, note }: LabelCorrection) =>
      label === null
        ? sendJson<unknown>('DELETE', paths.label(uuid))
        : sendJson<unknown>('PUT', paths.label(uuid), {
            label,
            ...(note && { note }),
          } satisfies NewLabel),
    onMutate: async ({ uuid, label }) => {
      await client.cancelQueries({ queryKey: POSTS_KEY });
      await client.cancelQueries({ queryKey: detailsKey(uuid) });
      const lists = client.getQueriesData<Pages>({ queryKey: POSTS_KEY });
      const details = client.getQueryData<ExploredDetails>(detailsKey(uuid));
      client.setQueriesData<Pages>({ queryKey: POSTS_KEY }, (pages) =>
        pages === undefined ? pages : withLabel(pages, uuid, label),
      );
      client.setQueryData<ExploredDetails>(detailsKey(uuid), (known) =>
        known === undefined ? known : { ...known, corrected_label: label },
      );
      return { lists, details };
    },
    onError: (_error, { uuid }, before) => {
      for (const [key, pages] of before?.lists ?? []) client.setQueryData(key, pages);
      if (before?.details !== undefined) client.setQueryData(detailsKey(uuid), before.details);
    },
    onSettled: (_answer, _error, { uuid }) =>
      client.invalidateQueries({ queryKey: detailsKey(uuid) }),
  });
}

/** Returns the pages with one post relabelled. */
export function withLabel(pages: Pages, uuid: string, label: Sentiment | null): Pages {
  return {
    ...pages,
    pages: pages.pages.map((page) => ({
      ...page,
      items: page.items.map((item) =>
        item.post.uuid === uuid ? { ...item, corrected_label: label } : item,
      ),
    })),
  };
}
