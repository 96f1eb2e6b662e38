import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { paths } from '@/config/paths';
import type {
  NewSource,
  RevealedSource,
  Source,
  SourceQueries,
  SourceTest,
} from '@/features/sources/api/wire';
import type { SourceAction } from '@/features/sources/model/action';
import { contentOf } from '@/features/sources/model/draft';
import { nextReadings, postsPerMinute, type Reading } from '@/features/sources/model/rate';
import { ApiError, getJson, sendJson } from '@/lib/api-client';

const SOURCES_KEY = ['sources'];

/** The numbers of a source change all the time. A page that is not visible is not refreshed. */
const REFRESH_EVERY_MS = 2_000;

/** All sources, by name. */
export function useSources() {
  return useQuery({
    queryKey: SOURCES_KEY,
    queryFn: ({ signal }) => getJson<{ items: Source[] }>(paths.sources, {}, signal),
    select: ({ items }) => items,
    refetchInterval: REFRESH_EVERY_MS,
  });
}

/** What a source asks its network for, which changes with the topics that it follows; only while somebody looks. */
export function useSourceQueries(id: string, enabled: boolean) {
  return useQuery({
    queryKey: [...SOURCES_KEY, id, 'queries'],
    queryFn: ({ signal }) => getJson<SourceQueries>(paths.sourceQueries(id), {}, signal),
    enabled,
    refetchInterval: REFRESH_EVERY_MS,
  });
}

/** Returns the posts per minute of a source, from the latest answers; null while they are unknown. */
export function useRates({ data, dataUpdatedAt }: ReturnType<typeof useSources>) {
  const [readings, setReadings] = useState<readonly Reading[]>([]);
  const next = nextReadings(readings, data, dataUpdatedAt);
  if (next !== readings) setReadings(next);
  return (id: string) => postsPerMinute(next, id);
}

/** Creates a source if `id` is null, otherwise changes it. Only a new webhook is answered with a secret. */
export function useSaveSource(id: string | null) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (source: NewSource) =>
      (id === null
        ? sendJson<RevealedSource>('POST', paths.sources, source)
        : change(id, source)
      ).catch(placeAtField),
    onSuccess: () => client.invalidateQueries({ queryKey: SOURCES_KEY }),
  });
}

/** Changes a source, and its credentials if there are new ones. */
async function change(id: string, { name, settings, credentials }: NewSource) {
  const changed = await sendJson<RevealedSource>('PATCH', paths.source(id), { name, settings });
  if (credentials === undefined) return changed;
  return sendJson<RevealedSource>('PUT', paths.sourceCredentials(id), credentials);
}

/** Names the field of a conflict, which the server leaves out. */
function placeAtField(error: unknown): never {
  if (error instanceof ApiError && error.code === 'name_taken') {
    throw new ApiError(error.status, error.code, error.message, { field: 'name' });
  }
  throw error;
}

/**
 * Does what a person does in one click. Answers with the source, or null once it is deleted; a webhook that is created
 * again, with its new secret, which `onRevealed` gets.
 */
export function useActOnSource(onRevealed: (source: RevealedSource) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: (source) => source !== null && onRevealed(source),
    onSettled: () => client.invalidateQueries({ queryKey: SOURCES_KEY }),
  });
}

function act(action: SourceAction): Promise<RevealedSource | null> {
  switch (action.kind) {
    case 'create':
      return sendJson<RevealedSource>('POST', paths.sources, action.content);
    case 'restore':
      return restore(action.source);
    case 'delete':
      return sendJson<null>('DELETE', paths.source(action.source.id));
    case 'pause':
      return sendJson<Source>('POST', paths.pauseSource(action.source.id));
    case 'resume':
    case 'retry':
      return sendJson<Source>('POST', paths.resumeSource(action.source.id));
    case 'backfill':
      return sendJson<Source>('POST', paths.backfillSource(action.source.id), {
        hours: action.hours,
      });
  }
}

/** Creates a deleted source again, and pauses it if it was paused. */
async function restore(source: Source): Promise<RevealedSource> {
  const made = await sendJson<RevealedSource>('POST', paths.sources, contentOf(source));
  if (source.state !== 'paused') return made;
  const paused = await sendJson<Source>('POST', paths.pauseSource(made.id));
  return { ...made, ...paused };
}

/** Replaces the secret of a webhook. The earlier one is no longer accepted. */
export function useRotateSecret() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => sendJson<RevealedSource>('POST', paths.rotateSourceSecret(id)),
    onSuccess: () => client.invalidateQueries({ queryKey: SOURCES_KEY }),
  });
}

/** Reaches the network of a source, without hearing any posts. */
export function useTestSource() {
  return useMutation({
    mutationFn: (id: string) => sendJson<SourceTest>('POST', paths.testSource(id)),
  });
}
