import { clsx } from 'clsx';
import { Empty } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { ShowMore } from '@/components/ui/show-more';
import { toQuery, useAudit } from '@/features/audit/api/use-audit';
import { AuditExport } from '@/features/audit/components/audit-export';
import { AuditFilters } from '@/features/audit/components/audit-filters';
import { AuditRow } from '@/features/audit/components/audit-row';
import type { AuditFilter } from '@/features/audit/model/filter';
import { useIdentities } from '@/lib/identity-names';

interface AuditPanelProps {
  filter: AuditFilter;
  onChange: (filter: AuditFilter) => void;
}

const NAMED_KINDS = ['user', 'api_key', 'client'] as const;

/** Who did what, on what, from where and when. */
export function AuditPanel({ filter, onChange }: AuditPanelProps) {
  const known = useIdentities(NAMED_KINDS);
  const query = toQuery(filter, known);
  const entries = useAudit(query);
  return (
    <Panel
      title="Audit log"
      note="newest first; entries cannot be changed"
      actions={<AuditExport query={query} />}
    >
      <AuditFilters filter={filter} onChange={onChange} />
      <QueryStatus query={entries} what="audit log" rows={8} />
      {entries.data?.length === 0 && (
        <Empty title="No matching entries">Remove a filter to see more.</Empty>
      )}
      <ol
        aria-label="Entries, newest first"
        className={clsx('-mx-4 mt-2', entries.isPlaceholderData && 'opacity-60')}
      >
        {entries.data?.map((entry) => (
          <AuditRow
            key={entry.id}
            entry={entry}
            known={known}
            onFilter={(changes) => onChange({ ...filter, ...changes })}
          />
        ))}
      </ol>
      <ShowMore list={entries} />
    </Panel>
  );
}
