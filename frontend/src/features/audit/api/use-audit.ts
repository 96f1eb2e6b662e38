import type { AuditEntry } from '@/api/identity';
import { paths } from '@/config/paths';
import { actorsOf } from '@/features/audit/model/describe';
import type { AuditFilter } from '@/features/audit/model/filter';
import { toQueryString, type Query } from '@/lib/api-client';
import type { KnownIdentity } from '@/lib/identity-names';
import { usePages } from '@/lib/use-pages';

/** The entries that match, newest first. */
export function useAudit(query: Query) {
  return usePages<AuditEntry>(['audit'], paths.audit, query);
}

/** Converts a filter to the server's parameters. */
export function toQuery(
  { actor, ...filter }: AuditFilter,
  known: ReadonlyMap<string, KnownIdentity>,
): Query {
  return { ...(actor !== undefined && { actor: actorsOf(actor, known) }), ...filter };
}

/** The address of a file with all entries that match. */
export function exportPath(query: Query, format: 'csv' | 'ndjson'): string {
  return `${paths.exportAudit}${toQueryString({ ...query, format })}`;
}
