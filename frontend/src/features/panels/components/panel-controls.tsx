import { useEffect, useRef, type KeyboardEvent } from 'react';
import { Button } from '@/components/ui/button';
import { CloseIcon, GripIcon, ResizeIcon } from '@/components/ui/icons';
import {
  PANELS,
  withMoved,
  without,
  withSize,
  type PlacedPanel,
} from '@/features/panels/model/arrangement';
import { startMoving, startResizing } from '@/features/panels/model/drag';
import type { Customising } from '@/features/panels/model/use-customising';

interface PanelControlsProps {
  panel: PlacedPanel;
  customising: Customising;
}

const ARROWS: Partial<Record<string, -1 | 1>> = {
  ArrowLeft: -1,
  ArrowUp: -1,
  ArrowRight: 1,
  ArrowDown: 1,
};

/** The handles and buttons over one panel while the page is customised. */
export function PanelControls({ panel, customising }: PanelControlsProps) {
  const { id, cols, rows } = panel;
  const { name } = PANELS[id];
  const { handle, move, resize, hide } = usePanelActions(panel, customising);
  // Each event of a drag continues from the latest draft.
  const latest = useRef(customising);
  useEffect(() => {
    latest.current = customising;
  }, [customising]);
  const press = (event: KeyboardEvent) => {
    const by = ARROWS[event.key];
    if (event.key === 'Delete' || event.key === 'Backspace') hide();
    else if (by === undefined) return;
    else if (!event.shiftKey) move(by);
    else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') resize(by, 0);
    else resize(0, by);
    event.preventDefault();
  };
  return (
    <div
      role="group"
      aria-label={name}
      className="flex flex-col rounded-md border border-dashed border-brand bg-surface/70 max-lg:pb-2 lg:absolute lg:inset-0"
    >
      <div className="flex items-center gap-1 p-1.5">
        <Button
          ref={handle}
          className="min-w-0 flex-1 cursor-grab! touch-none justify-start! select-none active:cursor-grabbing!"
          aria-label={`Move ${name}`}
          aria-describedby="customise-keys"
          onKeyDown={press}
          onPointerDown={(event) => startMoving(event, id, latest)}
        >
          <GripIcon className="size-4 shrink-0 text-ink-faint" />
          <span className="truncate">{name}</span>
        </Button>
        <span className="hidden rounded-md bg-surface px-1.5 text-sm text-ink-soft lg:inline">
          {cols} × {rows}
        </span>
        <Button square aria-label={`Hide ${name}`} title="Hide" onClick={hide}>
          <CloseIcon />
        </Button>
      </div>
      <div className="mx-auto flex flex-wrap items-center justify-center gap-x-4 gap-y-1.5 rounded-md bg-surface px-2 py-1.5 lg:my-auto">
        <Pair
          name="Order"
          less={['Earlier', `Move ${name} earlier`, () => move(-1)]}
          more={['Later', `Move ${name} later`, () => move(1)]}
        />
        <div className="hidden flex-wrap justify-center gap-x-4 gap-y-1.5 lg:flex">
          <Pair
            name="Width"
            less={['−', `Make ${name} narrower`, () => resize(-1, 0)]}
            more={['+', `Make ${name} wider`, () => resize(1, 0)]}
          />
          <Pair
            name="Height"
            less={['−', `Make ${name} shorter`, () => resize(0, -1)]}
            more={['+', `Make ${name} taller`, () => resize(0, 1)]}
          />
        </div>
      </div>
      {/* The buttons and the handle's keys do the same. */}
      <span
        aria-hidden="true"
        data-resize={id}
        title="Drag to resize"
        className="absolute right-0 bottom-0 hidden size-7 cursor-nwse-resize touch-none place-items-center text-ink-soft lg:grid"
        onPointerDown={(event) => startResizing(event, panel, latest)}
      >
        <ResizeIcon />
      </span>
    </div>
  );
}

/** Changes of one panel, each announced. The handle keeps the focus when its panel moves. */
function usePanelActions(panel: PlacedPanel, { draft, change }: Customising) {
  const { id, cols, rows } = panel;
  const { name } = PANELS[id];
  const handle = useRef<HTMLButtonElement>(null);
  const keepsFocus = useRef<Element | null>(null);
  useEffect(() => {
    const focused = keepsFocus.current;
    keepsFocus.current = null;
    if (focused instanceof HTMLElement) focused.focus();
  }, [draft]);
  const move = (by: -1 | 1) => {
    const at = draft.findIndex((placed) => placed.id === id) + by;
    if (at < 0) return change(draft, `${name} is already first.`);
    if (at === draft.length) return change(draft, `${name} is already last.`);
    // A moved element loses the focus.
    keepsFocus.current = document.activeElement;
    change(withMoved(draft, id, at), `${name} moved to position ${at + 1} of ${draft.length}.`);
  };
  const resize = (byCols: number, byRows: number) => {
    const next = withSize(draft, id, { cols: cols + byCols, rows: rows + byRows });
    const size = next.find((placed) => placed.id === id) ?? panel;
    const isSame = size.cols === cols && size.rows === rows;
    const text = `${size.cols} columns wide, ${size.rows} rows high`;
    change(next, isSame ? `${name} stays ${text}: this is its limit.` : `${name}: ${text}.`);
  };
  const hide = () => {
    if (draft.length === 1) return change(draft, `${name} is the last panel and stays.`);
    document.getElementById('customise')?.focus();
    change(without(draft, id), `${name} hidden.`);
  };
  return { handle, move, resize, hide };
}

type Action = readonly [text: string, label: string, act: () => void];

function Pair({ name, less, more }: { name: string; less: Action; more: Action }) {
  return (
    <span className="flex items-center gap-1">
      <span className="caption" aria-hidden="true">
        {name}
      </span>
      {[less, more].map(([text, label, act]) => (
        <Button key={label} className="h-7! min-w-7 px-1.5!" aria-label={label} onClick={act}>
          {text}
        </Button>
      ))}
    </span>
  );
}
