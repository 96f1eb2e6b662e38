import { Popover as Radix } from 'radix-ui';
import { useRef, useState } from 'react';
import { usePalette } from '@/components/charts/palette';
import { PanelExportButton, type PanelExportProps } from '@/components/export/panel-export';
import { nameFile } from '@/components/export/name-file';
import { drawPicture } from '@/components/export/picture';
import type { ReadScope } from '@/components/export/scope';
import { toCsv } from '@/lib/csv';
import { saveFile } from '@/lib/save-file';

interface PanelExportMenuProps extends PanelExportProps {
  readScope: ReadScope;
}

const ITEM = 'block w-full rounded-md px-2 py-1.5 text-left hover:bg-highlight';

/** Saves the figures of a panel as CSV, and its chart as a picture. Opens as soon as it is loaded. */
export function PanelExportMenu({ title, note, exported, readScope }: PanelExportMenuProps) {
  const [open, setOpen] = useState(true);
  const [failure, setFailure] = useState<string | null>(null);
  const [host, setHost] = useState<HTMLElement | null>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const palette = usePalette();
  const save = async (kind: 'csv' | 'png') => {
    try {
      const scope = readScope();
      if (scope === null) throw new Error('the figures are still loading');
      const contents = await exported();
      const file =
        kind === 'csv'
          ? new Blob([toCsv(contents)], { type: 'text/csv;charset=utf-8' })
          : await drawPicture({ host, title, note, scope, palette, legend: contents.legend ?? [] });
      saveFile(file, nameFile(title, scope, kind));
      setOpen(false);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Radix.Root
      open={open}
      onOpenChange={(isOpen) => {
        setFailure(null);
        setOpen(isOpen);
      }}
    >
      <Radix.Trigger asChild>
        <PanelExportButton ref={trigger} title={title} />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="end"
          sideOffset={4}
          collisionPadding={12}
          aria-label={`Export ${title}`}
          // The chart may have been replaced by the table since the menu was last open.
          onOpenAutoFocus={() => setHost(findChart(trigger.current))}
          className="z-50 w-56 rounded-md border border-line bg-raised p-1.5 text-sm shadow-panel outline-none"
        >
          <button type="button" className={ITEM} onClick={() => void save('csv')}>
            Figures as CSV
          </button>
          {host !== null && (
            <button type="button" className={ITEM} onClick={() => void save('png')}>
              Chart as PNG
            </button>
          )}
          {failure !== null && (
            <p role="alert" className="px-2 py-1 text-critical">
              The file could not be saved: {failure}.
            </p>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** Returns the drawn chart of the panel that a button belongs to; null if the panel shows none. */
function findChart(button: HTMLElement | null): HTMLElement | null {
  return button?.closest('section')?.querySelector('[data-chart-ready="true"]') ?? null;
}
