import { clsx } from 'clsx';
import { useId, useState, type ReactNode } from 'react';
import { PanelExport, type ReadExported } from '@/components/export/panel-export';
import { Button } from '@/components/ui/button';
import { ChartIcon, TableIcon } from '@/components/ui/icons';

interface PanelProps {
  title: string;
  /** A short explanation of the figures. */
  note?: ReactNode;
  /** The same figures as a table. */
  table?: ReactNode;
  /** What a file of the panel has. */
  exported?: ReadExported;
  actions?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A titled section of a page, as a landmark. */
export function Panel({ title, note, table, exported, actions, className, children }: PanelProps) {
  const titleId = useId();
  const [asTable, setAsTable] = useState(false);
  return (
    <section
      aria-labelledby={titleId}
      className={clsx(
        'flex min-h-0 min-w-0 flex-col rounded-md border border-line bg-surface shadow-panel',
        className,
      )}
    >
      <header className="flex min-h-10 items-center gap-x-2 flex-wrap gap-y-1 px-4 pt-2.5">
        <h2 id={titleId} className="text-sm font-semibold whitespace-nowrap">
          {title}
        </h2>
        {note !== undefined && (
          <p className="caption min-w-0 truncate sm:min-w-20 sm:flex-1 sm:basis-0">{note}</p>
        )}
        <div className="ml-auto flex items-center gap-1">
          {actions}
          {exported !== undefined && (
            <PanelExport
              title={title}
              note={typeof note === 'string' ? note : ''}
              exported={exported}
            />
          )}
          {table !== undefined && (
            <Button
              look="quiet"
              square
              className="-mr-1.5 size-7!"
              aria-pressed={asTable}
              aria-label={`${title} as a table`}
              title={asTable ? 'Show the chart' : 'Show as a table'}
              onClick={() => setAsTable(!asTable)}
            >
              {asTable ? <ChartIcon /> : <TableIcon />}
            </Button>
          )}
        </div>
      </header>
      <div className="relative flex min-h-0 flex-1 flex-col px-4 pb-3">
        {asTable ? (
          // A panel whose height is not given by its place would grow with its table.
          <div className="thin-scroll max-h-96 min-h-0 flex-1 overflow-auto">{table}</div>
        ) : (
          children
        )}
      </div>
    </section>
  );
}
