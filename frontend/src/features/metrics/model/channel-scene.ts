import type { KeyedTally } from '@/api/wire';
import { sentimentColour, type Palette } from '@/components/charts/palette';
import { rowsOf } from '@/components/charts/rows';
import type { Card, SceneOf, Shape } from '@/components/charts/scene';
import { formatCount, formatKey, formatScore, formatShare, formatSigned } from '@/lib/format';

const MARGINS = { left: 108, right: 104, top: 4, bottom: 22 };
const NAME_WIDTH_MAX = 100;

/** The full scale; one that followed the data would keep jumping. */
const GRID = [-1, -0.5, 0, 0.5, 1];

/** The average of each channel on a scale from -1 to +1; the size of the mark is the volume. */
export function channelScene(
  palette: Palette,
  channels: readonly KeyedTally[],
): SceneOf<KeyedTally> {
  const most = Math.max(1, ...channels.map(({ count }) => count));
  return (size) => {
    const { plot, middleOf, boxOf } = rowsOf(channels.length, size, MARGINS);
    const xOf = (average: number) => plot.left + (plot.width * (average + 1)) / 2;
    const bottom = plot.top + plot.height;
    const text = { kind: 'text', colour: palette.ink } as const;
    const soft = { ...text, colour: palette['ink-soft'] };
    const grid = GRID.flatMap((at): Shape[] => {
      const x = Math.round(xOf(at)) + 0.5;
      const points = [[x, plot.top] as const, [x, bottom] as const];
      const rule: Shape = { kind: 'line', colour: palette.line, points };
      if (!Number.isInteger(at)) return [rule];
      return [rule, { ...soft, text: formatSigned(at), at: [x, bottom + 12], align: 'center' }];
    });
    const rows = channels.flatMap(({ key, sentiment, count, churn }, row): Shape[] => {
      const y = middleOf(row);
      const average = sentiment.average ?? 0;
      const fill = sentimentColour(palette, sentiment.average);
      const [left, right] = [xOf(Math.min(0, average)), xOf(Math.max(0, average))];
      const radius = (7 + 13 * Math.sqrt(count / most)) / 2;
      const name: Shape = {
        ...{ ...text, text: formatKey(key), at: [plot.left - 8, y], align: 'right' },
        widthMax: NAME_WIDTH_MAX,
      };
      const volume: Shape = {
        ...{ ...text, text: formatCount(count), at: [size.width - 56, y], align: 'right' },
        isBold: true,
      };
      const risk: Shape = {
        ...{ ...text, text: `${formatCount(churn.high)} at risk`, at: [size.width, y] },
        ...{ align: 'right', colour: palette.critical },
      };
      return [
        name,
        {
          kind: 'rectangle',
          box: { left, width: right - left, top: y - 1, height: 2 },
          fill,
          opacity: 0.55,
        },
        { kind: 'circle', at: [xOf(average), y], radius, fill, border: palette.surface },
        volume,
        ...(churn.high > 0 ? [risk] : []),
      ];
    });
    const targets = channels.map((item, row) => ({
      ...{ box: boxOf(row), item, part: null },
      card: () => cardOf(item),
    }));
    return { shapes: [...grid, ...rows], targets };
  };
}

function cardOf(channel: KeyedTally): Card {
  return {
    title: formatKey(channel.key),
    rows: [
      ['Posts', formatCount(channel.count)],
      ['Average', formatSigned(channel.sentiment.average)],
      ['Negative', formatShare(channel.sentiment.negative, channel.count)],
      ['Average churn risk', formatScore(channel.churn.average)],
      ['High churn', formatCount(channel.churn.high)],
      ['Average toxicity', formatScore(channel.toxicity.average)],
    ],
  };
}
