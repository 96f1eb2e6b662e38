import type { AuditEntry } from '@/api/identity';
import { Badge } from '@/components/ui/badge';
import { describeActor, describeObject, hasDetails } from '@/features/audit/model/describe';
import { nameAction, type AuditFilter } from '@/features/audit/model/filter';
import type { KnownIdentity } from '@/lib/identity-names';
import { formatFullTime } from '@/lib/time';
import { localZone } from '@/lib/zone';

interface AuditRowProps {
  entry: AuditEntry;
  known: ReadonlyMap<string, KnownIdentity>;
  /** Shows only entries of one actor or object. */
  onFilter: (changes: Pick<AuditFilter, 'actor' | 'object'>) => void;
}

/** One entry; its details unfold. */
export function AuditRow({ entry, known, onFilter }: AuditRowProps) {
  const { action, actor_kind, actor_id, object, ip_address, created_at, payload, seq } = entry;
  return (
    <li className="border-t border-line px-4 py-2 text-sm wrap-anywhere">
      <p className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
        <span className="font-medium">{nameAction(action)}</span>
        <span>
          by{' '}
          <Narrow
            title={actor_id ?? actor_kind}
            onClick={() => onFilter({ actor: actor_id ?? actor_kind })}
          >
            {describeActor(entry, known)}
          </Narrow>
        </span>
        {seq == null && <Badge tone="dashed">not chained yet</Badge>}
        <time className="caption ml-auto" dateTime={created_at}>
          {formatFullTime(created_at, localZone())}
        </time>
      </p>
      <p className="caption">
        {object != null && (
          <>
            on{' '}
            <Narrow title={object} onClick={() => onFilter({ object })}>
              {describeObject(object, known)}
            </Narrow>
            {' · '}
          </>
        )}
        {[ip_address != null && `from ${ip_address}`, seq != null && `no. ${seq}`]
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

interface NarrowProps {
  /** The id, to which the list is narrowed. */
  title: string;
  onClick: () => void;
  children: string;
}

function Narrow({ title, onClick, children }: NarrowProps) {
  return (
    <button
      type="button"
      title={`Show only entries with ${title}`}
      className="rounded-md text-left underline decoration-line-strong decoration-dotted underline-offset-2 hover:text-ink"
      onClick={onClick}
    >
      {children}
    </button>
  );
}
