import type { Card, Point, Size } from '@/components/charts/scene';

/** The distance from the pointer in pixels. */
const BESIDE_PX = 14;

interface PlotTooltipProps {
  card: Card;
  at: Point;
  /** The size of the chart, which the tooltip does not leave. */
  size: Size;
}

/** The figures under the pointer. Hidden from screen readers; the panel's table shows the same. */
export function PlotTooltip({ card, at: [x, y], size }: PlotTooltipProps) {
  const isRight = x > size.width / 2;
  return (
    <div
      aria-hidden="true"
      className="pointer-events-none absolute z-10 w-max max-w-full rounded-md border border-line bg-raised px-2.5 py-2 text-xs shadow-panel"
      style={{
        left: x,
        top: y,
        // The higher the pointer, the less of the card is above it, so that it always fits.
        transform: `translate(${isRight ? `calc(-100% - ${BESIDE_PX}px)` : `${BESIDE_PX}px`}, ${(-100 * y) / size.height}%)`,
      }}
    >
      <p className="mb-1 font-semibold">{card.title}</p>
      <dl>
        {card.rows.map(([name, value]) => (
          <div key={`${name} ${value}`} className="flex justify-between gap-4">
            <dt>{name}</dt>
            <dd className="font-medium">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
