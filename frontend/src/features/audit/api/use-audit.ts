import { useQueries } from '@tanstack/react-query';
import type { AuditEntry, User } from '@/api/identity';
import { paths } from '@/config/paths';
import type { AuditFilter } from '@/features/audit/model/filter';
import { getJson, toQueryString, type Query } from '@/lib/api-client';
import { nameOf } from '@/lib/me';
import { usePages } from '@/lib/use-pages';

/** The entries that match, newest first. */
export function useAudit(filter: AuditFilter) {
  return usePages<AuditEntry>(['audit'], paths.audit, { ...filter });
}

/** Returns the names of the people with these accounts; null for those that are unknown or archived. */
export function useNames(entries: readonly AuditEntry[]): (id: string) => string | null {
  const ids = new Set(
    entries.flatMap(({ actor_kind, actor_id }) =>
      actor_kind === 'user' && actor_id != null ? [actor_id] : [],
    ),
  );
  const names = useQueries({
    queries: [...ids].map((id) => ({
      queryKey: ['users', id],
      queryFn: ({ signal }: { signal: AbortSignal }) => getJson<User>(paths.user(id), {}, signal),
      retry: false,
      staleTime: 60_000,
    })),
    combine: (results) =>
      new Map(results.flatMap(({ data }) => (data === undefined ? [] : [[data.id, nameOf(data)]]))),
  });
  return (id) => names.get(id) ?? null;
}

/** The address of a file with all entries that match. */
export function exportPath(filter: AuditFilter, format: 'csv' | 'ndjson'): string {
  return `${paths.exportAudit}${toQueryString({ ...filter, format } as Query)}`;
}
