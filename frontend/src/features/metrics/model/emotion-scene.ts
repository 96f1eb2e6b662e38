import { EMOTIONS, type Emotion, type Tally } from '@/api/wire';
import { mix, type Palette } from '@/components/charts/palette';
import { rowsOf } from '@/components/charts/rows';
import type { SceneOf, Shape } from '@/components/charts/scene';
import { capitalize, formatCount, formatShare } from '@/lib/format';

/** The sentiment of each emotion, which gives its colour. */
const SIDES: Record<Emotion, 'positive' | 'neutral' | 'negative'> = {
  joy: 'positive',
  surprise: 'neutral',
  neutral: 'neutral',
  sadness: 'negative',
  fear: 'negative',
  disgust: 'negative',
  anger: 'negative',
};

const MARGINS = { left: 66, right: 84, top: 4, bottom: 6 };
const BAR_HEIGHT = 12;

/** A bar for each emotion, in a fixed order, so that bars change only their length. */
export function emotionScene(palette: Palette, overall: Tally): SceneOf<Emotion> {
  return (size) => {
    const { plot, middleOf, boxOf } = rowsOf(EMOTIONS.length, size, MARGINS);
    const shapes = EMOTIONS.flatMap((emotion, row): Shape[] => {
      const count = overall.emotions[emotion] ?? 0;
      const y = middleOf(row);
      const track = { ...plot, top: y - BAR_HEIGHT / 2, height: BAR_HEIGHT };
      const width = plot.width * Math.min(1, count / Math.max(1, overall.count));
      const side = SIDES[emotion];
      const text = { kind: 'text', colour: palette.ink } as const;
      const end = plot.left + width + 5;
      return [
        { ...text, text: capitalize(emotion), at: [plot.left - 8, y], align: 'right' },
        // The track behind the bar is all posts.
        { kind: 'rectangle', box: track, fill: palette.sunken, radius: 3 },
        {
          kind: 'rectangle',
          box: { ...track, width },
          fill: mix(palette.surface, palette[side], side === 'neutral' ? 0.6 : 0.92),
          radius: 3,
        },
        { ...text, text: formatShare(count, overall.count), at: [end, y], isBold: true },
        { ...text, text: formatCount(count), at: [end + 34, y], colour: palette['ink-soft'] },
      ];
    });
    const targets = EMOTIONS.map((item, row) => ({ box: boxOf(row), item, part: null }));
    return { shapes, targets };
  };
}
