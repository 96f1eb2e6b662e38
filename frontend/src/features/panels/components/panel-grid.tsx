import { clsx } from 'clsx';
import { startTransition, useEffect, useState, type CSSProperties, type ReactNode } from 'react';
import { Cell } from '@/components/ui/cell';
import {
  laptopSize,
  type Arrangement,
  type PanelId,
  type PlacedPanel,
} from '@/features/panels/model/arrangement';

interface PanelGridProps {
  arrangement: Arrangement;
  /** The content of each panel; one without content is left out. */
  panels: Partial<Record<PanelId, ReactNode>>;
  /** Rendered over each panel while the page is customised; the panel itself is then inert. */
  controls?: ((panel: PlacedPanel) => ReactNode) | undefined;
  /** Whether the rows share the height that there is, rather than having one of their own. */
  fills?: boolean;
}

/**
 * The panels in their arrangement, in twelve columns on wide screens and in thirds on laptops.
 *
 * On a phone, they are stacked in their order and as high as their content; only their names are shown while the page
 * is customised, so that the order is on one screen.
 */
export function PanelGrid({ arrangement, panels, controls, fills = false }: PanelGridProps) {
  const n_mounted = useMounted(arrangement.length);
  return (
    <div
      data-panel-grid
      className={clsx(
        'grid grid-cols-[minmax(0,1fr)] gap-3 lg:grid-flow-row-dense lg:grid-cols-12',
        fills ? 'min-h-0 flex-1 lg:auto-rows-[minmax(0,1fr)]' : 'lg:auto-rows-[36px]',
      )}
    >
      {arrangement.map((panel, i) => {
        const content = panels[panel.id];
        if (content === undefined) return null;
        return (
          <div
            key={panel.id}
            data-panel={panel.id}
            style={spanOf(panel)}
            className="relative flex min-w-0 flex-col lg:col-[span_var(--laptop-cols)] lg:row-[span_var(--laptop-rows)] lg:min-h-0 xl:col-[span_var(--cols)] xl:row-[span_var(--rows)]"
          >
            <Cell
              inert={controls !== undefined}
              className={clsx('flex-1', controls !== undefined && 'opacity-40 max-lg:hidden')}
            >
              {i < n_mounted && content}
            </Cell>
            {controls?.(panel)}
          </div>
        );
      })}
    </div>
  );
}

/** On a phone, the first two fill the screen. */
const MOUNTED_AT_ONCE = 2;

/** Returns how many panels are mounted: each in a frame of its own, so that a click never waits for all of them. */
function useMounted(n_panels: number): number {
  const [n_mounted, setMounted] = useState(MOUNTED_AT_ONCE);
  useEffect(() => {
    if (n_mounted >= n_panels) return;
    const frame = requestAnimationFrame(() => startTransition(() => setMounted(n_mounted + 1)));
    return () => cancelAnimationFrame(frame);
  }, [n_mounted, n_panels]);
  return n_mounted;
}

function spanOf({ cols, rows }: PlacedPanel): CSSProperties {
  const laptop = laptopSize({ cols, rows });
  return {
    '--cols': cols,
    '--rows': rows,
    '--laptop-cols': laptop.cols,
    '--laptop-rows': laptop.rows,
  } as CSSProperties;
}
