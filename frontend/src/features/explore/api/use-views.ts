import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { paths } from '@/config/paths';
import type { NewView, SavedView, SavedViews } from '@/features/explore/api/wire';
import { getJson, sendJson } from '@/lib/api-client';

const VIEWS_KEY = ['views'];

/** The saved views of a page, which everyone on this server shares. */
export function useViews(of: SavedView['page'], isOpen: boolean) {
  return useQuery({
    queryKey: VIEWS_KEY,
    queryFn: ({ signal }) => getJson<SavedViews>(paths.views, {}, signal),
    select: ({ items }) => items.filter(({ page }) => page === of),
    enabled: isOpen,
  });
}

export type ViewChange =
  | { kind: 'create'; name: string; query: string }
  | { kind: 'rename'; view: SavedView; name: string }
  | { kind: 'delete'; id: string };

export function useChangeView(page: SavedView['page']) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: ViewChange) => send(change, page),
    onSuccess: () => client.invalidateQueries({ queryKey: VIEWS_KEY }),
  });
}

function send(change: ViewChange, page: SavedView['page']) {
  switch (change.kind) {
    case 'create':
      return sendJson<unknown>('POST', paths.views, {
        name: change.name,
        page,
        query: change.query,
      } satisfies NewView);
    case 'rename':
      return sendJson<unknown>('PUT', paths.view(change.view.id), {
        name: change.name,
        page: change.view.page,
        query: change.view.query,
      } satisfies NewView);
    case 'delete':
      return sendJson<unknown>('DELETE', paths.view(change.id));
  }
}
