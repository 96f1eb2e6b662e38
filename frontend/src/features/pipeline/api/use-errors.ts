import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Schemas } from '@/api/wire';
import { paths } from '@/config/paths';
import { getJson } from '@/lib/api-client';

export type ErrorWindow = Schemas['ErrorWindow'];
export type ErrorOverview = Schemas['ErrorOverview'];
export type ErrorKind = Schemas['ErrorKind'];

/** The server counts errors by the minute. */
const REFRESH_EVERY_MS = 10_000;

/** The server's recent errors. */
export function useErrors(window: ErrorWindow) {
  return useQuery({
    queryKey: ['system-errors', window],
    queryFn: ({ signal }) => getJson<ErrorOverview>(paths.systemErrors, { window }, signal),
    refetchInterval: REFRESH_EVERY_MS,
    placeholderData: keepPreviousData,
  });
}
