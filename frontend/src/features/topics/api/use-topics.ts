import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { BreakdownAnswer } from '@/api/wire';
import { paths } from '@/config/paths';
import type { NewTopic, Topic } from '@/features/topics/api/wire';
import { contentOf } from '@/features/topics/model/draft';
import { ApiError, getJson, sendJson } from '@/lib/api-client';

const TOPICS_KEY = ['topics'];

/** Other people may change the list. */
const REFRESH_EVERY_MS = 30_000;

/** The number of products that the server counts separately; those with fewer posts are left out. */
const COUNTED_MAX = 1_000;

/** All topics, by name. */
export function useTopics() {
  return useQuery({
    queryKey: TOPICS_KEY,
    queryFn: ({ signal }) => getJson<{ items: Topic[] }>(paths.topics, {}, signal),
    select: ({ items }) => items,
    refetchInterval: REFRESH_EVERY_MS,
  });
}

/** Returns the number of posts of the last 24 hours by topic; undefined while it is unknown. */
export function useTopicCounts(): (name: string) => number | undefined {
  const { data } = useQuery({
    queryKey: ['topic-counts'],
    queryFn: ({ signal }) =>
      getJson<BreakdownAnswer>(paths.metrics('products'), { window: '24h' }, signal),
    select: ({ items }) => new Map(items.map(({ key, count }) => [key, count])),
    refetchInterval: REFRESH_EVERY_MS,
  });
  // A topic that is not listed has no posts, unless the list was cut.
  const unlisted = data === undefined || data.size >= COUNTED_MAX ? undefined : 0;
  return (name) => data?.get(name) ?? unlisted;
}

/** Creates a topic if `id` is null, otherwise replaces it. */
export function useSaveTopic(id: string | null) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewTopic) =>
      (id === null
        ? sendJson<Topic>('POST', paths.topics, body)
        : sendJson<Topic>('PUT', paths.topic(id), body)
      ).catch(placeAtField),
    onSuccess: () => client.invalidateQueries({ queryKey: TOPICS_KEY }),
  });
}

/** Names the field of a conflict, which the server leaves out. */
function placeAtField(error: unknown): never {
  if (error instanceof ApiError && error.code === 'name_taken') {
    throw new ApiError(error.status, error.code, error.message, { field: 'name' });
  }
  throw error;
}

interface Deletion {
  topic: Topic;
  /** Whether to create the topic again instead. It gets another id. */
  undo?: boolean;
}

/** Deletes a topic, or creates it again. */
export function useDeleteTopic() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ topic, undo = false }: Deletion) =>
      undo
        ? sendJson<unknown>('POST', paths.topics, contentOf(topic))
        : sendJson<unknown>('DELETE', paths.topic(topic.id)),
    onSettled: () => client.invalidateQueries({ queryKey: TOPICS_KEY }),
  });
}
