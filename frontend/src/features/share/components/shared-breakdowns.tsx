import { countColumn, type Column } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import type { SharedBreakdown } from '@/features/share/api/use-shared';
import { capitalize, formatKey, formatSigned } from '@/lib/format';

type Item = SharedBreakdown['items'][number];

const COLUMNS: readonly Column<Item>[] = [
  countColumn('Posts', ({ count }) => count),
  { head: 'Average', cell: ({ sentiment }) => formatSigned(sentiment?.average) },
];

const ROWS_SHOWN = 20;

/** The posts by product, channel and so on. */
export function SharedBreakdowns({ breakdowns }: { breakdowns: readonly SharedBreakdown[] }) {
  return (
    <div className="grid items-start gap-3 min-[1000px]:auto-cols-fr min-[1000px]:grid-flow-col">
      {breakdowns.map(({ by, items }) => (
        <Panel key={by} title={`By ${by === 'lang' ? 'language' : by}`}>
          <DataTable
            caption={`Posts by ${by}`}
            keyHead={by === 'lang' ? 'Language' : capitalize(by)}
            rows={items.slice(0, ROWS_SHOWN)}
            keyOf={({ key }) => key}
            nameOf={({ key }) => formatKey(key)}
            columns={COLUMNS}
          />
        </Panel>
      ))}
    </div>
  );
}
