import type { Sentiment, Tally } from '@/api/wire';
import { sentimentColour, type Palette } from '@/components/charts/palette';
import { fittingLabels, ticksTo, widthOf } from '@/components/charts/scale';
import type { Box, Card, Point, SceneOf, Shape, Size, Target } from '@/components/charts/scene';
import { formatCount, formatSigned } from '@/lib/format';

/** One step of a chart over time. */
export interface VolumeStep extends Pick<Tally, 'count' | 'sentiment' | 'churn'> {
  from: string;
  /** Whether the step has not ended, or is cut by an end of the period: a lower bar does not mean fewer posts. */
  isUnfinished: boolean;
}

/** Something that happened at a time. */
export interface VolumeMark {
  at: string;
  /** The end of a span; absent for a point in time. */
  to?: string | undefined;
  text: string;
  kind: MarkKind;
}

export type MarkKind = 'alert' | 'peak' | 'annotation';

/** The part of a step that is the mark of its peak. */
export const PEAK_PART = 'peak';

export const MARK_NAMES: Record<MarkKind, string> = {
  alert: 'Alert',
  peak: 'Peak',
  annotation: 'Annotation',
};

type Before = Pick<Tally, 'count' | 'sentiment'>;

interface VolumeSceneParams<Step> {
  palette: Palette;
  items: readonly Step[];
  /** The previous period, step by step; null without a comparison. */
  previous?: readonly Before[] | null;
  /** What `previous` is, if not the previous period. */
  previousName?: string;
  marks?: readonly VolumeMark[];
  formatTime: (at: string) => string;
  /** For the axis, if it is shorter. */
  formatTick?: (at: string) => string;
}

const LEFT = 48;
const RIGHT = 8;
const TOP = 12;
/** Between the bars and the averages. */
const GAP = 22;
const AVERAGE_HEIGHT = 44;
const AXIS_HEIGHT = 26;
const N_TICKS = 4;
const BAR_SHARE = 0.82;
const BAR_MAX = 44;
const AVERAGE_BAR_MAX = 16;

/**
 * The height of a bar is the number of posts; its parts are the labels. The average is below.
 *
 * Diamonds are alerts, arrows over a bar are peaks, and arrows under it are annotations.
 */
export function volumeScene<Step extends VolumeStep>(
  params: VolumeSceneParams<Step>,
): SceneOf<Step> {
  return (size) => {
    const frame = frameOf(params, size);
    return {
      shapes: [
        ...axes(params, frame),
        ...params.items.flatMap((step, i) => bars(params.palette, frame, step, i)),
        ...linesBefore(params, frame),
        ...marksOf(params, frame),
      ],
      targets: params.items.flatMap((step, i) => targets(params, frame, step, i)),
    };
  };
}

/** Where things are. */
interface Frame {
  volume: Box;
  average: Box;
  /** The width of a step. */
  band: number;
  ticks: number[];
  /** The highest average on the axis. */
  reach: number;
  yOfCount: (count: number) => number;
  yOfAverage: (average: number) => number;
  /** The middle of a step. */
  xOf: (index: number) => number;
}

function frameOf(
  { items, previous }: VolumeSceneParams<VolumeStep>,
  { width, height }: Size,
): Frame {
  const across = { left: LEFT, width: Math.max(0, width - LEFT - RIGHT) };
  const averageTop = height - AXIS_HEIGHT - AVERAGE_HEIGHT;
  const volume = { ...across, top: TOP, height: Math.max(0, averageTop - GAP - TOP) };
  const average = { ...across, top: averageTop, height: AVERAGE_HEIGHT };
  const all = [...items, ...(previous ?? [])];
  const ticks = ticksTo(Math.max(0, ...all.map(({ count }) => count)), N_TICKS);
  const top = ticks.at(-1) ?? 1;
  const isSmall = all.every(({ sentiment }) => Math.abs(sentiment.average ?? 0) <= 0.5);
  const reach = isSmall ? 0.5 : 1;
  const band = across.width / Math.max(1, items.length);
  return {
    ...{ volume, average, band, ticks, reach },
    yOfCount: (count) => volume.top + volume.height * (1 - count / top),
    yOfAverage: (value) => average.top + (average.height / 2) * (1 - value / reach),
    xOf: (index) => across.left + (index + 0.5) * band,
  };
}

function axes<Step extends VolumeStep>(
  { palette, items, formatTime, formatTick = formatTime }: VolumeSceneParams<Step>,
  { volume, average, band, ticks, reach, yOfCount, yOfAverage, xOf }: Frame,
): Shape[] {
  const right = volume.left + volume.width;
  const rule = (y: number, colour: string): Shape => {
    // In the middle of a pixel, or it would be drawn over two.
    const at = Math.round(y) + 0.5;
    return { kind: 'line', colour, points: [[volume.left, at] as const, [right, at] as const] };
  };
  const text = { kind: 'text', colour: palette['ink-soft'] } as const;
  const beside = (y: number, label: string): Shape => {
    return { ...text, text: label, at: [volume.left - 8, y], align: 'right' };
  };
  const names = labelsOf(
    items.map(({ from }) => from),
    formatTick,
  );
  return [
    ...ticks.slice(1).map((tick) => rule(yOfCount(tick), palette.line)),
    rule(yOfCount(0), palette['line-strong']),
    ...ticks.map((tick) => beside(yOfCount(tick), formatCount(tick))),
    ...[-reach, 0, reach].flatMap((value) => [
      rule(yOfAverage(value), palette.line),
      beside(yOfAverage(value), value === 0 ? 'avg.' : formatSigned(value)),
    ]),
    ...fittingLabels(names, band).map((i): Shape => {
      const name = names[i] ?? '';
      const x = Math.min(xOf(i), right + RIGHT - widthOf(name) / 2);
      return { ...text, text: name, at: [x, average.top + average.height + 15], align: 'center' };
    }),
  ];
}

const MINUTE_MS = 60_000;

/** Returns a label for each step. If several steps share a minute, only the first has one. */
function labelsOf(times: readonly string[], formatTick: (at: string) => string): string[] {
  const [first = '', second = ''] = times;
  const isFine = Date.parse(second) - Date.parse(first) < MINUTE_MS;
  return times.map((at) => (isFine && Date.parse(at) % MINUTE_MS !== 0 ? '' : formatTick(at)));
}

/** The parts of a bar from the ground up. */
function partsOf({ sentiment }: VolumeStep, { band, xOf, yOfCount }: Frame, index: number) {
  const width = Math.min(BAR_MAX, band * BAR_SHARE);
  let below = 0;
  return STACKED.map((label) => {
    const bottom = yOfCount(below);
    below += sentiment[label];
    const top = yOfCount(below);
    return { label, box: { left: xOf(index) - width / 2, top, width, height: bottom - top } };
  });
}

const STACKED = ['negative', 'neutral', 'positive'] as const satisfies Sentiment[];

function bars(palette: Palette, frame: Frame, step: VolumeStep, index: number): Shape[] {
  const { average } = step.sentiment;
  const { band, xOf, yOfAverage } = frame;
  const width = Math.min(AVERAGE_BAR_MAX, band * BAR_SHARE);
  const parts = partsOf(step, frame, index)
    .filter(({ box }) => box.height > 0)
    .map(({ label, box }): Shape => ({
      kind: 'rectangle',
      box,
      fill: palette[label],
      opacity: label === 'neutral' ? 0.45 : 0.85,
      hatch: step.isUnfinished ? palette.surface : undefined,
    }));
  // Without posts there is no bar: a bar at zero would mean balanced sentiment.
  if (typeof average !== 'number') return parts;
  const [top, bottom] = [yOfAverage(Math.max(0, average)), yOfAverage(Math.min(0, average))];
  const box = { left: xOf(index) - width / 2, top, width, height: Math.max(1, bottom - top) };
  return [...parts, { kind: 'rectangle', box, fill: sentimentColour(palette, average), radius: 1 }];
}

function linesBefore<Step>(
  { palette, items, previous }: VolumeSceneParams<Step>,
  { xOf, yOfCount, yOfAverage }: Frame,
): Shape[] {
  if (previous == null) return [];
  const line = (yOf: (step: Before) => number | null): Shape => ({
    ...{ kind: 'line', colour: palette.ink, width: 1.25, dash: [4, 3], opacity: 0.65 },
    points: items.map((_, i): Point | null => {
      const step = previous[i];
      const y = step === undefined ? null : yOf(step);
      return y === null ? null : [xOf(i), y];
    }),
  });
  return [
    line(({ count }) => yOfCount(count)),
    line(({ sentiment: { average } }) =>
      typeof average === 'number' ? yOfAverage(average) : null,
    ),
  ];
}

function marksOf<Step extends VolumeStep>(
  { palette, items, marks = [] }: VolumeSceneParams<Step>,
  frame: Frame,
): Shape[] {
  return marks.flatMap((mark): Shape[] => {
    const [first, last] = stepsOf(mark, items);
    if (first < 0) return [];
    const border = palette.surface;
    switch (mark.kind) {
      case 'alert': {
        const at: Point = [frame.xOf(first), heightOf(items, frame, first) - 8];
        return [{ kind: 'diamond', at, radius: 6, fill: palette.critical, border }];
      }
      case 'peak': {
        const at = peakAt(items, frame, first);
        return [{ kind: 'arrow-down', at, radius: PEAK_RADIUS, fill: palette.ink, border }];
      }
      case 'annotation': {
        const ground = frame.yOfCount(0) + 9;
        const span: Shape = {
          kind: 'line',
          colour: palette.brand,
          width: 3,
          points: [
            [frame.xOf(first), ground],
            [frame.xOf(last), ground],
          ],
        };
        const at: Point = [frame.xOf(first), ground];
        const arrow: Shape = { kind: 'arrow-up', at, radius: 6, fill: palette.brand, border };
        return last > first ? [span, arrow] : [arrow];
      }
    }
  });
}

const PEAK_RADIUS = 6;

function heightOf(items: readonly VolumeStep[], { yOfCount }: Frame, index: number): number {
  return yOfCount(items[index]?.count ?? 0);
}

/** The middle of the arrow over the bar of a peak; the highest bar reaches the top of the chart. */
function peakAt(items: readonly VolumeStep[], frame: Frame, index: number): Point {
  return [frame.xOf(index), Math.max(PEAK_RADIUS, heightOf(items, frame, index) - 9)];
}

/** Returns the indexes of the first and last step of a mark; both are -1 if it is before the chart. */
function stepsOf({ at, to }: VolumeMark, items: readonly VolumeStep[]): [number, number] {
  const before = (time: string) =>
    items.findLastIndex(({ from }) => Date.parse(from) < Date.parse(time));
  const first = items.findLastIndex(({ from }) => Date.parse(from) <= Date.parse(at));
  if (to === undefined) return [first, first];
  const last = before(to);
  // A span may have begun before the chart.
  return last < 0 ? [-1, -1] : [Math.max(0, first), Math.max(last, first)];
}

/** The column of a step, since a small bar is hard to hit, and over it the parts of its bar. */
function targets<Step extends VolumeStep>(
  params: VolumeSceneParams<Step>,
  frame: Frame,
  item: Step,
  index: number,
): Target<Step>[] {
  const { volume, average, band, xOf } = frame;
  const shade = {
    left: xOf(index) - band / 2,
    top: volume.top,
    width: band,
    height: volume.height,
  };
  const column = { ...shade, height: average.top + average.height - volume.top };
  const common = { item, shade: column, card: () => cardOf(params, index) };
  const peaks = (params.marks ?? []).filter(
    (mark) => mark.kind === 'peak' && stepsOf(mark, params.items)[0] === index,
  );
  const [x, y] = peakAt(params.items, frame, index);
  const reach = 2 * PEAK_RADIUS;
  const arrow = { left: x - reach, top: y - reach, width: 2 * reach, height: 2 * reach };
  return [
    { ...common, box: column, part: null },
    ...partsOf(item, frame, index).map(({ label, box }) => ({ ...common, box, part: label })),
    ...peaks.slice(0, 1).map(() => ({ ...common, box: arrow, part: PEAK_PART })),
  ];
}

function cardOf<Step extends VolumeStep>(
  {
    items,
    previous,
    previousName = 'Previous period',
    marks = [],
    formatTime,
  }: VolumeSceneParams<Step>,
  index: number,
): Card {
  const step = items[index];
  if (step === undefined) return { title: '', rows: [] };
  const before = previous?.[index];
  const happened = marks.filter((mark) => {
    const [first, last] = stepsOf(mark, items);
    return first <= index && index <= last;
  });
  return {
    title: `${formatTime(step.from)}${step.isUnfinished ? ' (incomplete)' : ''}`,
    rows: [
      ['Posts', formatCount(step.count)],
      ...(before === undefined ? [] : [[previousName, formatCount(before.count)] as const]),
      ['Positive', formatCount(step.sentiment.positive)],
      ['Neutral', formatCount(step.sentiment.neutral)],
      ['Negative', formatCount(step.sentiment.negative)],
      ['Average', formatSigned(step.sentiment.average)],
      ['High churn', formatCount(step.churn.high)],
      ...happened.map(({ kind, text }) => [MARK_NAMES[kind], text] as const),
    ],
  };
}
