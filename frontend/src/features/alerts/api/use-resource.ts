import { useMutation, useQuery, useQueryClient, type QueryKey } from '@tanstack/react-query';
import type { List } from '@/features/alerts/api/wire';
import { getJson, sendJson } from '@/lib/api-client';

/** A REST collection: rules, silences or channels. */
export interface Resource {
  key: QueryKey;
  all: string;
  one: (id: string) => string;
  /** Other queries that a change invalidates. */
  alsoStale?: readonly QueryKey[];
}

/** Other people may change the list. */
const REFRESH_EVERY_MS = 30_000;

export function useList<Item>({ key, all }: Resource) {
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => getJson<List<Item>>(all, {}, signal),
    select: ({ items }) => items,
    refetchInterval: REFRESH_EVERY_MS,
  });
}

/** Creates an item if `id` is null, otherwise replaces it. */
export function useSave<Body, Answer>(resource: Resource, id: string | null) {
  const refresh = useRefresh(resource);
  return useMutation({
    mutationFn: (body: Body) =>
      id === null
        ? sendJson<Answer>('POST', resource.all, body)
        : sendJson<Answer>('PUT', resource.one(id), body),
    onSuccess: refresh,
  });
}

export function useRemove(resource: Resource) {
  const refresh = useRefresh(resource);
  return useMutation({
    mutationFn: (id: string) => sendJson<unknown>('DELETE', resource.one(id)),
    onSuccess: refresh,
  });
}

export function useRefresh({ key, alsoStale = [] }: Resource) {
  const client = useQueryClient();
  return () =>
    Promise.all([key, ...alsoStale].map((queryKey) => client.invalidateQueries({ queryKey })));
}
