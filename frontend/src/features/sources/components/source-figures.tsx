import { clsx } from 'clsx';
import type { ReactNode } from 'react';
import type { Source } from '@/features/sources/api/wire';
import { formatLag, formatPerMinute } from '@/features/sources/model/describe';
import { formatAgo, formatCount } from '@/lib/format';
import { formatDate } from '@/lib/time';

interface SourceFiguresProps {
  source: Source;
  perMinute: number | null;
  now: number;
}

/** How fast posts arrive, how late, and what became of all of them. */
export function SourceFigures({ source, perMinute, now }: SourceFiguresProps) {
  const { lag_s, last_post_at, offered, stored, rejected, erased } = source;
  return (
    <dl className="mt-2 grid max-w-4xl grid-cols-4 gap-x-3 gap-y-2 md:grid-cols-7">
      <Figure name="Posts/min" title="Posts received per minute">
        {formatPerMinute(perMinute)}
      </Figure>
      <Figure name="Lag" title="Time from the publication of the newest post to its receipt">
        {formatLag(lag_s)}
      </Figure>
      <Figure name="Last post" title={last_post_at ? formatDate(last_post_at) : 'None yet'}>
        {last_post_at ? formatAgo(last_post_at, now) : '–'}
      </Figure>
      <Figure
        name="Offered"
        className="max-md:col-start-1"
        title="Posts received from the network or a sender, including duplicates"
      >
        {formatCount(offered)}
      </Figure>
      <Figure name="Stored" title="Posts that were accepted; each is stored once">
        {formatCount(stored)}
      </Figure>
      <Figure
        name="Rejected"
        title="Posts that could not be read, or are older than the retention period"
      >
        {formatCount(rejected)}
      </Figure>
      <Figure name="Erased" title="Posts that were deleted by their authors or the network">
        {formatCount(erased)}
      </Figure>
    </dl>
  );
}

interface FigureProps {
  name: string;
  /** What it counts. */
  title: string;
  className?: string;
  children: ReactNode;
}

function Figure({ name, title, className, children }: FigureProps) {
  return (
    <div className={clsx('min-w-0', className)} title={title}>
      <dt className="caption">{name}</dt>
      <dd className="text-sm font-medium tabular-nums">{children}</dd>
    </div>
  );
}
