import { clsx } from 'clsx';
import { useEffect, useRef, useState, type PointerEvent } from 'react';
import { pace } from '@/components/charts/pacing';
import { paint, type Painting } from '@/components/charts/paint';
import { pictures, type DrawChart } from '@/components/charts/pictures';
import { PlotTooltip } from '@/components/charts/plot-tooltip';
import {
  itemAt,
  targetAt,
  type Point,
  type Scene,
  type SceneOf,
  type Size,
} from '@/components/charts/scene';
import { useDragging } from '@/components/charts/use-dragging';
import { useTheme } from '@/lib/theme';

interface PlotProps<Item> {
  /** The chart in a sentence with its figures, for screen readers. */
  label: string;
  /** Another function draws the chart again. */
  sceneOf: SceneOf<Item>;
  className?: string;
  /** Called with the item that was clicked and the part of it that was hit. */
  onOpen?: (item: Item, part: string | null) => void;
  /** Called when a span of a chart over time is dragged with the mouse, with its first and last item. */
  onRange?: (first: Item, last: Item) => void;
}

/** A chart on a canvas. Far lighter than ECharts: the charts that a page starts with are drawn this way. */
export function Plot<Item>({ label, sceneOf, className, onOpen, onRange }: PlotProps<Item>) {
  const host = useRef<HTMLDivElement>(null);
  const { canvas, size, drawn } = useDrawing(host, sceneOf);
  const [pointer, setPointer] = useState<Point | null>(null);
  const hovered = drawn !== null && pointer !== null ? targetAt(drawn, pointer) : undefined;
  const select = (from: number, to: number) => {
    if (drawn === null) return;
    const [first, last] = [from, to].toSorted((a, b) => a - b).map((x) => itemAt(drawn, x));
    if (first !== undefined && last !== undefined) onRange?.(first, last);
  };
  const { shown, isDrag, handlers } = useDragging(onRange && select);
  const place = ({ clientX, clientY, currentTarget }: PointerEvent | React.MouseEvent): Point => {
    const { left, top } = currentTarget.getBoundingClientRect();
    const zoom = zoomOf(currentTarget);
    return [(clientX - left) / zoom, (clientY - top) / zoom];
  };
  const open = (event: React.MouseEvent) => {
    if (drawn === null || isDrag()) return;
    // A click opens posts, and the tooltip would stay over them.
    setPointer(null);
    const target = targetAt(drawn, place(event));
    if (target !== undefined) onOpen?.(target.item, target.part);
  };
  return (
    <div
      role="img"
      aria-label={label}
      className={clsx('relative min-h-0 min-w-0', className)}
      {...handlers}
      onPointerMove={(event) => {
        handlers.onPointerMove?.(event);
        if (event.pointerType !== 'touch') setPointer(place(event));
      }}
      onPointerLeave={() => {
        handlers.onPointerLeave?.();
        setPointer(null);
      }}
      onClick={open}
    >
      <div
        ref={host}
        data-chart-ready={drawn !== null}
        className={clsx('absolute inset-0', hovered !== undefined && 'cursor-pointer')}
      >
        <canvas ref={canvas} className="absolute inset-0 size-full" />
      </div>
      {hovered?.shade !== undefined && shown === null && (
        <span
          aria-hidden="true"
          className="pointer-events-none absolute bg-ink/6"
          style={hovered.shade}
        />
      )}
      {shown !== null && (
        <span
          aria-hidden="true"
          className="pointer-events-none absolute inset-y-0 border-x border-brand bg-brand/15"
          style={{ left: Math.min(shown.from, shown.to), width: Math.abs(shown.to - shown.from) }}
        />
      )}
      {hovered?.card !== undefined && pointer !== null && size !== null && shown === null && (
        <PlotTooltip card={hovered.card()} at={pointer} size={size} />
      )}
    </div>
  );
}

/** Draws the scene at the size of its host, at most once a second unless the size, the font or the theme changes. */
function useDrawing<Item>(host: React.RefObject<HTMLDivElement | null>, sceneOf: SceneOf<Item>) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<Size | null>(null);
  const [hasFont, setHasFont] = useState(false);
  const [drawn, setDrawn] = useState<Scene<Item> | null>(null);
  const drawnAt = useRef(-Infinity);
  const theme = useTheme();

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = element;
      // While the page resizes, the element may have no size, and a map cannot be projected onto it.
      if (width > 0 && height > 0) setSize({ width, height });
    });
    observer.observe(element);
    void document.fonts.ready.then(() => setHasFont(true));
    return () => observer.disconnect();
  }, [host]);

  useEffect(() => {
    drawnAt.current = -Infinity;
  }, [theme, size, hasFont]);

  useEffect(() => {
    if (size === null) return;
    const draw = () => {
      if (canvas.current === null) return;
      drawnAt.current = performance.now();
      const scene = sceneOf(size);
      const ratio = window.devicePixelRatio * zoomOf(canvas.current);
      paint(canvas.current, { scene, ...size, ratio });
      setDrawn(scene);
      if (host.current !== null) pictures.set(host.current, pictureOf({ scene, ...size }));
    };
    return pace(draw, drawnAt.current);
  }, [host, sceneOf, size, hasFont]);

  return { canvas, size, drawn };
}

/** The zoom of the page on a screen on the wall, which would blur a canvas and mislead the pointer; otherwise 1. */
function zoomOf(element: Element): number {
  return element.currentCSSZoom ?? 1;
}

function pictureOf(drawing: Omit<Painting, 'ratio'>): DrawChart {
  return (ratio) => {
    const canvas = document.createElement('canvas');
    paint(canvas, { ...drawing, ratio });
    return canvas;
  };
}
