import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Schemas } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson, sendJson } from '@/lib/api-client';

export type ShareLink = Schemas['ShareLink'];
export type NewShareLink = Schemas['NewShareLink'];
export type CreatedShareLink = Schemas['CreatedShareLink'];

const KEY = ['share-links'];

/** The links that have not ended, newest first. */
export function useShareLinks() {
  return useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => getJson<Schemas['Page_ShareLink']>(paths.shareLinks, {}, signal),
    select: ({ items }) => items,
  });
}

export function useCreateShareLink() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (link: NewShareLink) => sendJson<CreatedShareLink>('POST', paths.shareLinks, link),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  });
}

export function useRevokeShareLink() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => sendJson<unknown>('DELETE', paths.shareLink(id)),
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
}
