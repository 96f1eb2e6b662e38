import { ActorName } from '@/components/ui/actor-name';
import { formatDate } from '@/lib/format';

interface ChangedByProps {
  /** Absent or null if no name is known, in which case nothing is shown. */
  by?: string | null | undefined;
  /** When it was changed. */
  at: string;
}

/** Who last changed something, and when, as a tooltip. */
export function ChangedBy({ by, at }: ChangedByProps) {
  if (by == null) return null;
  return (
    <p className="caption wrap-anywhere" title={formatDate(at)}>
      changed by <ActorName name={by} />
    </p>
  );
}
