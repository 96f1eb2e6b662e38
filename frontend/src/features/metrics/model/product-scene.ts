import type { KeyedTally, Sentiment } from '@/api/wire';
import type { Palette } from '@/components/charts/palette';
import { rowsOf } from '@/components/charts/rows';
import type { Box, Card, SceneOf, Shape } from '@/components/charts/scene';
import { formatCount, formatKey, formatShare, formatSigned } from '@/lib/format';

const MARGINS = { left: 108, right: 92, top: 4, bottom: 6 };
const BAR_HEIGHT = 12;
const NAME_WIDTH_MAX = 100;

const STACKED = ['negative', 'neutral', 'positive'] as const satisfies Sentiment[];

/** The shares of the labels for each product. */
export function productScene(
  palette: Palette,
  products: readonly KeyedTally[],
): SceneOf<KeyedTally> {
  return (size) => {
    const { plot, middleOf, boxOf } = rowsOf(products.length, size, MARGINS);
    const partsOf = (product: KeyedTally, row: number) => {
      const track = { ...plot, top: middleOf(row) - BAR_HEIGHT / 2, height: BAR_HEIGHT };
      return partsIn(track, product);
    };
    const shapes = products.flatMap((product, row): Shape[] => {
      const y = middleOf(row);
      const text = { kind: 'text', colour: palette.ink } as const;
      const name = formatKey(product.key);
      const average = formatSigned(product.sentiment.average);
      return [
        {
          ...{ ...text, text: name, at: [plot.left - 8, y], align: 'right' },
          widthMax: NAME_WIDTH_MAX,
        },
        ...partsOf(product, row).map(({ label, box }): Shape => {
          const opacity = label === 'neutral' ? 0.35 : 0.9;
          return { kind: 'rectangle', box: inset(box), fill: palette[label], opacity, radius: 3 };
        }),
        { ...text, text: average, at: [size.width - 48, y], align: 'right', isBold: true },
        {
          ...{ ...text, text: formatCount(product.count), at: [size.width - 4, y], align: 'right' },
          colour: palette['ink-soft'],
        },
      ];
    });
    const targets = products.flatMap((item, row) => {
      const card = () => cardOf(item);
      return [
        { box: boxOf(row), item, part: null, card },
        ...partsOf(item, row).map(({ label, box }) => ({ box, item, part: label, card })),
      ];
    });
    return { shapes, targets };
  };
}

/** The parts of a bar from left to right. */
function partsIn(track: Box, { sentiment, count }: KeyedTally) {
  let left = track.left;
  return STACKED.map((label) => {
    const width = count > 0 ? (track.width * sentiment[label]) / count : 0;
    const box = { ...track, left, width };
    left += width;
    return { label, box };
  }).filter(({ box }) => box.width > 0);
}

/** Leaves a gap between neighbours. */
function inset(box: Box): Box {
  return { ...box, left: box.left + 0.5, width: Math.max(0, box.width - 1) };
}

function cardOf(product: KeyedTally): Card {
  const share = (count: number) => `${formatShare(count, product.count)} (${formatCount(count)})`;
  return {
    title: formatKey(product.key),
    rows: [
      ['Posts', formatCount(product.count)],
      ['Positive', share(product.sentiment.positive)],
      ['Neutral', share(product.sentiment.neutral)],
      ['Negative', share(product.sentiment.negative)],
      ['Average', formatSigned(product.sentiment.average)],
      ['High churn', formatCount(product.churn.high)],
    ],
  };
}
