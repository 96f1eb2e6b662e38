import type { PointerEvent, RefObject } from 'react';
import {
  COLUMNS,
  PANEL_IDS,
  PANELS,
  withMoved,
  withSize,
  type PanelId,
  type PlacedPanel,
} from '@/features/panels/model/arrangement';
import type { Customising } from '@/features/panels/model/use-customising';

type Latest = RefObject<Pick<Customising, 'draft' | 'change'>>;

/** Within this distance from the edge of the screen, a drag scrolls the page. */
const SCROLL_EDGE_PX = 72;
const SCROLL_STEP_PX = 12;

/** Moves a panel to the position of each panel that the pointer enters. */
export function startMoving(down: PointerEvent, id: PanelId, latest: Latest): void {
  /** The panel that was entered last: after the move, the pointer may still be over it. */
  let entered: PanelId | null = null;
  follow(down, latest, (event) => {
    scrollAtEdge(event.clientY);
    const over = panelAt(event.clientX, event.clientY);
    if (over === entered) return;
    entered = over;
    if (over === null || over === id) return;
    const { draft, change } = latest.current;
    const to = draft.findIndex((placed) => placed.id === over);
    const position = `position ${to + 1} of ${draft.length}`;
    change(withMoved(draft, id, to), `${PANELS[id].name} moved to ${position}.`);
  });
}

/** Resizes a panel by whole columns and rows of the grid. */
export function startResizing(down: PointerEvent, panel: PlacedPanel, latest: Latest): void {
  const box = down.currentTarget.closest('[data-panel]')?.getBoundingClientRect();
  if (box === undefined) return;
  const [column, row] = [box.width / shownColumns(box.width, panel), box.height / panel.rows];
  follow(down, latest, (event) => {
    const size = {
      cols: panel.cols + Math.round((event.clientX - down.clientX) / column),
      rows: panel.rows + Math.round((event.clientY - down.clientY) / row),
    };
    const { draft, change } = latest.current;
    const next = withSize(draft, panel.id, size);
    const { cols, rows } = next.find(({ id }) => id === panel.id) ?? panel;
    change(next, `${PANELS[panel.id].name}: ${cols} columns wide, ${rows} rows high.`);
  });
}

/** Returns the columns that a panel spans on the screen, which differ from its own on a laptop. */
function shownColumns(width: number, panel: PlacedPanel): number {
  const grid = document.querySelector('[data-panel-grid]')?.getBoundingClientRect().width;
  return grid === undefined ? panel.cols : Math.max(1, Math.round((width / grid) * COLUMNS));
}

/** Calls `move` until the pointer is released; Escape restores the arrangement. */
function follow(
  down: PointerEvent,
  latest: Latest,
  move: (event: globalThis.PointerEvent) => void,
): void {
  if (down.button !== 0) return;
  const before = latest.current.draft;
  const end = new AbortController();
  const { signal } = end;
  const escape = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    latest.current.change(before, 'Move cancelled.');
    end.abort();
  };
  // On the window, because React moves the element in the document, which would lose a captured pointer.
  window.addEventListener('pointermove', move, { signal });
  window.addEventListener('pointerup', () => end.abort(), { signal });
  window.addEventListener('pointercancel', () => end.abort(), { signal });
  window.addEventListener('keydown', escape, { signal });
}

function panelAt(x: number, y: number): PanelId | null {
  const slot = document.elementFromPoint(x, y)?.closest<HTMLElement>('[data-panel]');
  return PANEL_IDS.find((id) => id === slot?.dataset['panel']) ?? null;
}

function scrollAtEdge(y: number): void {
  if (y < SCROLL_EDGE_PX) window.scrollBy(0, -SCROLL_STEP_PX);
  else if (y > window.innerHeight - SCROLL_EDGE_PX) window.scrollBy(0, SCROLL_STEP_PX);
}
