import type { SourceGap } from '@/features/sources/api/wire';
import { formatGaps } from '@/features/sources/model/describe';
import { formatDate } from '@/lib/time';

const HEAD = 'caption py-1 pr-3 text-left font-medium';

/** The number of periods of which posts may be missing; unfolds to a table of them. */
export function GapList({ name, gaps }: { name: string; gaps: readonly SourceGap[] }) {
  return (
    <details className="mt-1 text-sm">
      <summary className="caption w-fit rounded-md hover:text-ink">
        {formatGaps(gaps.length)}
        <span className="sr-only"> of {name}</span>
      </summary>
      <div className="thin-scroll mt-1 max-h-72 overflow-y-auto rounded-md bg-sunken px-3 py-1">
        <table className="w-full border-collapse text-sm">
          <caption className="sr-only">Periods from which posts of {name} may be missing</caption>
          <thead>
            <tr>
              <th scope="col" className={HEAD}>
                From
              </th>
              <th scope="col" className={HEAD}>
                To
              </th>
              <th scope="col" className={HEAD}>
                Reason
              </th>
            </tr>
          </thead>
          <tbody>
            {gaps.map(({ from, to, reason }, i) => (
              <tr key={`${from} ${i}`} className="border-t border-line align-top">
                <td className="py-1 pr-3">{formatDate(from)}</td>
                <td className="py-1 pr-3">{formatDate(to)}</td>
                <td className="py-1 wrap-anywhere">{reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
