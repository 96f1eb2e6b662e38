import { useCallback, useRef, useState, type PointerEvent } from 'react';

/** A shorter movement is a click by an unsteady hand. */
const DRAG_MIN_PX = 8;

interface Drag {
  from: number;
  to: number;
}

interface Handlers {
  onPointerDown?: (event: PointerEvent) => void;
  onPointerMove?: (event: PointerEvent) => void;
  onPointerUp?: () => void;
  onPointerCancel?: () => void;
  onPointerLeave?: () => void;
}

/** A span of a chart over time, dragged with the mouse, in pixels from its left edge. Fingers scroll the page instead. */
export function useDragging(onRange: ((from: number, to: number) => void) | undefined) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const wasDrag = useRef(false);
  /** Whether the last press ended as a drag, which is not a click. */
  const isDrag = useCallback(() => wasDrag.current, []);
  const none: Handlers = {};
  if (onRange === undefined) return { shown: null, isDrag, handlers: none };

  const place = ({ clientX, currentTarget }: PointerEvent) => {
    const box = currentTarget.getBoundingClientRect();
    return Math.min(Math.max(0, clientX - box.left), box.width);
  };
  const handlers: Handlers = {
    onPointerDown: (event) => {
      wasDrag.current = false;
      if (event.button !== 0 || event.pointerType === 'touch') return;
      setDrag({ from: place(event), to: place(event) });
    },
    onPointerMove: (event) => {
      if (drag === null) return;
      const to = place(event);
      if (Math.abs(to - drag.from) >= DRAG_MIN_PX && !wasDrag.current) {
        wasDrag.current = true;
        // Not earlier: the chart would no longer receive the click.
        event.currentTarget.setPointerCapture(event.pointerId);
      }
      setDrag({ ...drag, to });
    },
    onPointerUp: () => {
      setDrag(null);
      if (drag !== null && wasDrag.current) onRange(drag.from, drag.to);
    },
    onPointerCancel: () => setDrag(null),
    // Without capture, a press may end elsewhere.
    onPointerLeave: () => {
      if (!wasDrag.current) setDrag(null);
    },
  };
  return { shown: drag !== null && wasDragged(drag) ? drag : null, isDrag, handlers };
}

function wasDragged({ from, to }: Drag): boolean {
  return Math.abs(to - from) >= DRAG_MIN_PX;
}
