import type { Palette } from '@/components/charts/palette';
import { fittingLabels, ticksTo, widthOf } from '@/components/charts/scale';
import type { Box, Point, SceneOf, Shape, Size, Target } from '@/components/charts/scene';
import { formatCount } from '@/lib/format';

export interface LinesStep {
  from: string;
  /** Whether the step has not ended, or is cut by an end of the period. */
  isUnfinished: boolean;
}

export interface ChartLine {
  name: string;
  colour: string;
  /** One count per step. */
  counts: readonly number[];
}

interface LinesSceneParams<Step> {
  palette: Palette;
  steps: readonly Step[];
  lines: readonly ChartLine[];
  formatTime: (at: string) => string;
}

const MARGIN = { left: 48, right: 8, top: 12, bottom: 26 };
const N_TICKS = 4;

/** With so few steps, each is marked with a dot. */
const DOTS_MAX = 31;

/** One line per key. The way to an unfinished step is dashed: a fall there does not mean fewer posts. */
export function linesScene<Step extends LinesStep>(params: LinesSceneParams<Step>): SceneOf<Step> {
  return (size) => {
    const frame = frameOf(params, size);
    return {
      shapes: [
        ...axes(params, frame),
        ...params.lines.flatMap((line) => drawLine(params, frame, line)),
      ],
      targets: params.steps.map((step, i) => target(params, frame, step, i)),
    };
  };
}

interface Frame {
  plot: Box;
  band: number;
  ticks: number[];
  xOf: (index: number) => number;
  yOf: (count: number) => number;
}

function frameOf({ steps, lines }: LinesSceneParams<LinesStep>, { width, height }: Size): Frame {
  const plot = {
    ...{ left: MARGIN.left, top: MARGIN.top },
    width: Math.max(0, width - MARGIN.left - MARGIN.right),
    height: Math.max(0, height - MARGIN.top - MARGIN.bottom),
  };
  const ticks = ticksTo(Math.max(0, ...lines.flatMap(({ counts }) => counts)), N_TICKS);
  const band = plot.width / Math.max(1, steps.length);
  return {
    ...{ plot, band, ticks },
    xOf: (index) => plot.left + (index + 0.5) * band,
    yOf: (count) => plot.top + plot.height * (1 - count / (ticks.at(-1) ?? 1)),
  };
}

function axes(
  { palette, steps, formatTime }: LinesSceneParams<LinesStep>,
  { plot, band, ticks, xOf, yOf }: Frame,
): Shape[] {
  const right = plot.left + plot.width;
  const text = { kind: 'text', colour: palette['ink-soft'] } as const;
  const names = steps.map(({ from }) => formatTime(from));
  return [
    ...ticks.map((tick): Shape => {
      const y = Math.round(yOf(tick)) + 0.5;
      const colour = tick === 0 ? palette['line-strong'] : palette.line;
      return { kind: 'line', colour, points: [[plot.left, y] as const, [right, y] as const] };
    }),
    ...ticks.map((tick): Shape => ({
      ...{ ...text, text: formatCount(tick), align: 'right' },
      at: [plot.left - 8, yOf(tick)],
    })),
    ...fittingLabels(names, band).map((i): Shape => {
      const name = names[i] ?? '';
      const x = Math.min(xOf(i), right + MARGIN.right - widthOf(name) / 2);
      return { ...text, text: name, at: [x, plot.top + plot.height + 15], align: 'center' };
    }),
  ];
}

function drawLine(
  { palette, steps }: LinesSceneParams<LinesStep>,
  { xOf, yOf }: Frame,
  { counts, colour }: ChartLine,
): Shape[] {
  const points = counts.map((count, i): Point => [xOf(i), yOf(count)]);
  const isWhole = (index: number) => steps[index]?.isUnfinished === false;
  const dashed = points.flatMap((point, i): (Point | null)[] => {
    const next = points[i + 1];
    return next !== undefined && !(isWhole(i) && isWhole(i + 1)) ? [point, next, null] : [];
  });
  const line = { kind: 'line', colour, width: 2 } as const;
  return [
    { ...line, points: points.map((point, i) => (isWhole(i) ? point : null)) },
    { ...line, points: dashed, dash: [3, 3], width: 1.5 },
    ...(steps.length > DOTS_MAX
      ? []
      : points.map((at, i): Shape => ({
          ...{ kind: 'circle', at, radius: 3, border: colour },
          fill: isWhole(i) || steps.length === 1 ? colour : palette.surface,
        }))),
  ];
}

function target<Step extends LinesStep>(
  { lines, formatTime }: LinesSceneParams<Step>,
  { plot, band, xOf }: Frame,
  item: Step,
  index: number,
): Target<Step> {
  const box = { left: xOf(index) - band / 2, top: plot.top, width: band, height: plot.height };
  const rows = lines
    .map(({ name, counts }) => [name, counts[index] ?? 0] as const)
    .toSorted((a, b) => b[1] - a[1])
    .map(([name, count]) => [name, formatCount(count)] as const);
  const title = `${formatTime(item.from)}${item.isUnfinished ? ' (incomplete)' : ''}`;
  return { box, shade: box, item, part: null, card: () => ({ title, rows }) };
}
