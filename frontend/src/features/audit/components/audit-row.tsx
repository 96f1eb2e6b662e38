import type { AuditEntry } from '@/api/identity';
import { Badge } from '@/components/ui/badge';
import { describeActor, hasDetails } from '@/features/audit/model/describe';
import { nameAction } from '@/features/audit/model/filter';
import { formatFullTime } from '@/lib/time';
import { localZone } from '@/lib/zone';

interface AuditRowProps {
  entry: AuditEntry;
  nameOf: (id: string) => string | null;
}

/** One entry; its details unfold. */
export function AuditRow({ entry, nameOf }: AuditRowProps) {
  const { action, object, ip_address, created_at, payload, seq } = entry;
  return (
    <li className="border-t border-line px-4 py-2 text-sm wrap-anywhere">
      <p className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
        <span className="font-medium">{nameAction(action)}</span>
        <span>by {describeActor(entry, nameOf)}</span>
        {seq == null && <Badge tone="dashed">not chained yet</Badge>}
        <time className="caption ml-auto" dateTime={created_at}>
          {formatFullTime(created_at, localZone())}
        </time>
      </p>
      <p className="caption">
        {[object && `on ${object}`, ip_address && `from ${ip_address}`, seq != null && `no. ${seq}`]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {hasDetails(entry) && (
        <details className="mt-0.5">
          <summary className="caption w-fit rounded-md hover:text-ink">Details</summary>
          <pre className="thin-scroll mt-1 max-h-72 overflow-auto rounded-md bg-sunken p-2 font-mono text-xs break-all whitespace-pre-wrap">
            {JSON.stringify(payload, null, 2)}
          </pre>
        </details>
      )}
    </li>
  );
}
