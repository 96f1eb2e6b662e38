import { lazy, Suspense, useContext, useState, type ComponentProps } from 'react';
import type { Palette } from '@/components/charts/palette';
import { ExportContext } from '@/components/export/scope';
import { Button } from '@/components/ui/button';
import { DownloadIcon } from '@/components/ui/icons';
import type { CsvTable } from '@/lib/csv';

/** An item of a chart's legend, which the page shows outside the canvas. */
export interface LegendItem {
  text: string;
  colour: keyof Palette;
}

/** What a panel shows, as a table. */
export interface Exported extends CsvTable {
  legend?: readonly LegendItem[];
}

export type ReadExported = () => Exported | Promise<Exported>;

export interface PanelExportProps {
  title: string;
  /** The panel's explanation of its figures. */
  note: string;
  exported: ReadExported;
}

/** Loaded on demand, since few visits use it. */
const PanelExportMenu = lazy(async () => {
  const { PanelExportMenu } = await import('@/components/export/panel-export-menu');
  return { default: PanelExportMenu };
});

/** Saves what a panel shows; only where the page says what its figures cover. */
export function PanelExport(props: PanelExportProps) {
  const readScope = useContext(ExportContext);
  const [isRequested, setRequested] = useState(false);
  if (readScope === null) return null;
  const closed = <PanelExportButton title={props.title} onClick={() => setRequested(true)} />;
  if (!isRequested) return closed;
  return (
    <Suspense fallback={closed}>
      <PanelExportMenu {...props} readScope={readScope} />
    </Suspense>
  );
}

type PanelExportButtonProps = ComponentProps<typeof Button> & { title: string };

export function PanelExportButton({ title, ...rest }: PanelExportButtonProps) {
  return (
    <Button
      look="quiet"
      square
      className="-mr-1.5 size-7!"
      aria-haspopup="dialog"
      aria-label={`Export ${title}`}
      title="Save as a file"
      {...rest}
    >
      <DownloadIcon />
    </Button>
  );
}
