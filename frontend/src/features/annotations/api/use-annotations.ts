import {
  keepPreviousData,
  useMutation,
  useQuery,
  useQueryClient,
  type QueryClient,
} from '@tanstack/react-query';
import { useMemo } from 'react';
import type { components } from '@/api/schema.generated';
import { paths } from '@/config/paths';
import { getJson, sendJson } from '@/lib/api-client';
import { coarsePeriod } from '@/lib/coarse';

export type Annotation = components['schemas']['Annotation'];
export type NewAnnotation = components['schemas']['NewAnnotation'];
type AnnotationPage = components['schemas']['Page_Annotation'];

const ANNOTATIONS_KEY = ['annotations'];

/** Other people add annotations too. */
const REFRESH_EVERY_MS = 15_000;

/** More do not fit on a chart. */
const SHOWN_MAX = 100;

/** The annotations of a period, and with a product those about it and about no product. */
export function useAnnotations(period: { from: string; to: string }, product: string | undefined) {
  const asked = { ...coarsePeriod(period), product, limit: SHOWN_MAX };
  const { data } = useQuery({
    queryKey: [...ANNOTATIONS_KEY, asked],
    queryFn: ({ signal }) => getJson<AnnotationPage>(paths.annotations, asked, signal),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_EVERY_MS,
  });
  const { from, to } = period;
  return useMemo(
    () => (data?.items ?? NONE).filter((annotation) => touches(annotation, { from, to })),
    [data, from, to],
  );
}

function touches({ starts_at, ends_at }: Annotation, { from, to }: { from: string; to: string }) {
  const end = Date.parse(ends_at ?? starts_at);
  return Date.parse(starts_at) < Date.parse(to) && end >= Date.parse(from);
}

/** One array for every render, so that the chart is not drawn anew. */
const NONE: readonly Annotation[] = [];

/** Creates an annotation if `id` is null, otherwise replaces its content. A deleted one is restored. */
export function useSaveAnnotation(id: string | null) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewAnnotation) =>
      id === null
        ? sendJson<Annotation>('POST', paths.annotations, body)
        : sendJson<Annotation>('PUT', paths.annotation(id), body),
    onSettled: () => refresh(client),
  });
}

/** Deletes an annotation, or restores it; the chart shows the result at once. */
export function useDeleteAnnotation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ annotation, undo = false }: { annotation: Annotation; undo?: boolean }) =>
      undo
        ? sendJson<unknown>('PUT', paths.annotation(annotation.id), contentOf(annotation))
        : sendJson<unknown>('DELETE', paths.annotation(annotation.id)),
    onMutate: async ({ annotation, undo = false }) => {
      await client.cancelQueries({ queryKey: ANNOTATIONS_KEY });
      client.setQueriesData<AnnotationPage>({ queryKey: ANNOTATIONS_KEY }, (page) => {
        if (page === undefined) return page;
        const others = page.items.filter(({ id }) => id !== annotation.id);
        return { ...page, items: undo ? [...others, annotation].toSorted(byStart) : others };
      });
    },
    onSettled: () => refresh(client),
  });
}

/** The part of an annotation that people write. */
export function contentOf({ text, starts_at, ends_at, product }: Annotation): NewAnnotation {
  return { text, starts_at, ends_at: ends_at ?? null, product: product ?? null };
}

function byStart(a: Annotation, b: Annotation): number {
  return Date.parse(a.starts_at) - Date.parse(b.starts_at);
}

function refresh(client: QueryClient) {
  return client.invalidateQueries({ queryKey: ANNOTATIONS_KEY });
}
