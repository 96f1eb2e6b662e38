import { QueryStatus } from '@/components/ui/query-status';
import { useApiKeyUsage } from '@/features/keys/api/use-keys';
import { formatCount } from '@/lib/format';

/** The calls with a key, by day. */
export function KeyUsage({ id, name }: { id: string; name: string }) {
  const usage = useApiKeyUsage(id, true);
  const days = usage.data?.days ?? [];
  return (
    <div className="mt-2 max-w-sm">
      <QueryStatus query={usage} what="usage" rows={2} />
      {usage.data !== undefined && days.length === 0 && (
        <p className="text-sm text-ink-soft">No calls with this key yet.</p>
      )}
      {days.length > 0 && (
        <table className="w-full border-collapse text-sm">
          <caption className="sr-only">Calls with {name} by day</caption>
          <thead>
            <tr className="caption">
              <th scope="col" className="py-1 text-left font-medium">
                Day (UTC)
              </th>
              <th scope="col" className="py-1 text-right font-medium">
                Calls
              </th>
            </tr>
          </thead>
          <tbody>
            {days.map(({ day, n_calls }) => (
              <tr key={day} className="border-t border-line">
                <th scope="row" className="py-1 text-left font-medium">
                  {day}
                </th>
                <td className="py-1 text-right">{formatCount(n_calls)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
