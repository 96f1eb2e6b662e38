import { useState } from 'react';
import { Badge, type Tone } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import type { ErrorKind, ErrorOverview } from '@/features/pipeline/api/use-errors';
import { KINDS } from '@/features/pipeline/model/errors';
import { capitalize, formatAge, formatAgo, formatCount } from '@/lib/format';

const SHOWN_FIRST = 6;

const TONES: Partial<Record<ErrorKind, Tone>> = {
  error: 'critical',
  failed_request: 'critical',
  dead_letter: 'warning',
  failed_notification: 'warning',
};

/** The most recent errors; repeated ones are grouped. */
export function RecentErrors({ overview, now }: { overview: ErrorOverview; now: number }) {
  const [isAll, setAll] = useState(false);
  const { recent } = overview;
  if (recent.length === 0) return null;
  return (
    <>
      <ul aria-label="Recent errors" className="-mx-4 mt-2">
        {recent.slice(0, isAll ? undefined : SHOWN_FIRST).map((item) => (
          <li
            key={`${item.kind} ${item.origin} ${item.message}`}
            className="border-t border-line px-4 py-2"
          >
            <p className="text-sm wrap-anywhere">{capitalize(item.message)}</p>
            <p className="caption mt-0.5 flex flex-wrap items-center gap-x-2">
              <Badge tone={TONES[item.kind] ?? 'plain'}>{KINDS[item.kind].one}</Badge>
              <span>{item.origin}</span>
              <span>{describeTimes(item, now)}</span>
            </p>
          </li>
        ))}
      </ul>
      {recent.length > SHOWN_FIRST && (
        <Button className="mt-1 self-center" onClick={() => setAll(!isAll)}>
          {isAll ? 'Show fewer' : `Show all ${formatCount(recent.length)}`}
        </Button>
      )}
    </>
  );
}

function describeTimes(
  { at, first_at, count }: ErrorOverview['recent'][number],
  now: number,
): string {
  const ago = formatAgo(at, now);
  if (count === 1) return ago;
  return `${formatCount(count)} times in ${formatAge(first_at, now)}, last ${ago}`;
}
