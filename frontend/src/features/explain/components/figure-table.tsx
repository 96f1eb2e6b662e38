import { ChangeMark } from '@/components/ui/change-mark';
import type { Explanation } from '@/features/explain/api/use-explanation';
import { compareAverages, compareCounts, compareShares, type Change } from '@/lib/compare';
import { formatCount, formatShare, formatSigned } from '@/lib/format';

/** The figures of both periods side by side. */
export function FigureTable({ explanation: { now, before } }: { explanation: Explanation }) {
  const share = ({ count, sentiment }: Explanation['now']) => ({
    part: sentiment.negative,
    of: count,
  });
  const mean = ({ count, sentiment }: Explanation['now']) => ({
    average: sentiment.average ?? null,
    count,
  });
  const rows: readonly [string, string, string, Change][] = [
    [
      'Posts',
      formatCount(now.count),
      formatCount(before.count),
      compareCounts(now.count, before.count),
    ],
    [
      'Negative',
      formatShare(now.sentiment.negative, now.count),
      formatShare(before.sentiment.negative, before.count),
      compareShares(share(now), share(before)),
    ],
    [
      'Average',
      formatSigned(now.sentiment.average),
      formatSigned(before.sentiment.average),
      compareAverages(mean(now), mean(before)),
    ],
  ];
  return (
    <table className="w-full border-collapse text-sm">
      <caption className="sr-only">Figures of both periods</caption>
      <thead>
        <tr>
          <td />
          {['This period', 'Before', 'Change'].map((head) => (
            <th key={head} scope="col" className="caption py-1 pl-3 text-right font-medium">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, value, earlier, change]) => (
          <tr key={name} className="border-t border-line">
            <th scope="row" className="py-1 text-left font-medium">
              {name}
            </th>
            <td className="py-1 pl-3 text-right font-semibold">{value}</td>
            <td className="py-1 pl-3 text-right">{earlier}</td>
            <td className="py-1 pl-3 text-right">
              {change === null ? (
                <span className="caption">too few posts</span>
              ) : (
                <ChangeMark change={change} />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
