import { clsx } from 'clsx';
import type { TableContents } from '@/components/ui/columns';
import { ExploreLink } from '@/components/ui/explore-link';

interface DataTableProps<Row> extends TableContents<Row> {
  caption: string;
  /** If given, names become buttons that filter the page. */
  onSelect?: ((key: string) => void) | undefined;
  /** If given, the first figure of each row links to the posts behind it. */
  searchOf?: ((row: Row) => Record<string, string>) | undefined;
}

/** A chart's data as a table. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  if (props.rows.length === 0)
    return <p className="py-6 text-ink-soft">No posts in this window.</p>;
  return (
    <table className="w-full border-collapse text-sm">
      <caption className="sr-only">{props.caption}</caption>
      <thead>
        <tr>
          <th scope="col" className="caption sticky top-0 bg-surface py-1 text-left font-medium">
            {props.keyHead}
          </th>
          {props.columns.map(({ head }) => (
            <th
              key={head}
              scope="col"
              className="caption sticky top-0 bg-surface py-1 pl-3 text-right font-medium"
            >
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={props.keyOf(row)} className="border-t border-line">
            <th scope="row" className="py-1 text-left font-medium">
              <RowName row={row} {...props} />
            </th>
            {props.columns.map(({ head, cell }, column) => (
              <td key={head} className="py-1 pl-3 text-right">
                {column === 0 && props.searchOf !== undefined ? (
                  <ExploreLink search={props.searchOf(row)} title="Show these posts">
                    {cell(row)}
                  </ExploreLink>
                ) : (
                  cell(row)
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function RowName<Row>({ row, keyOf, nameOf, onSelect }: DataTableProps<Row> & { row: Row }) {
  const key = keyOf(row);
  if (onSelect === undefined || key === '') return <>{nameOf(row)}</>;
  return (
    <button
      type="button"
      className={clsx('underline decoration-line-strong underline-offset-2 hover:decoration-brand')}
      title={`Show only ${nameOf(row)}`}
      onClick={() => onSelect(key)}
    >
      {nameOf(row)}
    </button>
  );
}
