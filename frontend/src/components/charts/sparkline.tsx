interface SparklineProps {
  values: readonly (number | null)[];
  colour: string;
  /** If given, the scale is symmetrical around this value. */
  centre?: number;
}

const WIDTH = 96;
const HEIGHT = 26;

/** A small trend line. Hidden from screen readers; the trend panel shows the same data with axes. */
export function Sparkline({ values, colour, centre }: SparklineProps) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return <svg className="h-[26px] w-24 min-w-0" aria-hidden="true" />;
  const reach =
    centre === undefined ? 0 : Math.max(0.05, ...known.map((v) => Math.abs(v - centre)));
  const low = centre === undefined ? 0 : centre - reach;
  const high = centre === undefined ? Math.max(...known, 1e-9) : centre + reach;
  const points = values.flatMap((value, i) => {
    if (value === null) return [];
    const x = (i / Math.max(1, values.length - 1)) * WIDTH;
    const y = HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4);
    return [`${x.toFixed(1)},${y.toFixed(1)}`];
  });
  const [lastX, lastY] = (points.at(-1) ?? '0,0').split(',');
  return (
    <svg
      viewBox={`-2 0 ${WIDTH + 4} ${HEIGHT}`}
      className="h-[26px] w-24 min-w-0"
      aria-hidden="true"
    >
      {centre !== undefined && (
        <path d={`M0 ${HEIGHT / 2}H${WIDTH}`} stroke="var(--line-strong)" strokeDasharray="2 3" />
      )}
      <polyline
        points={points.join(' ')}
        fill="none"
        stroke={colour}
        strokeWidth="1.5"
        strokeLinejoin="round"
        strokeLinecap="round"
      />
      <circle cx={lastX} cy={lastY} r="2" fill={colour} />
    </svg>
  );
}
