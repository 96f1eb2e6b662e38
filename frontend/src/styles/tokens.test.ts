/** The design language: every size of type, radius and colour comes from `tokens.css`. */
import { expect, test } from 'vitest';
import { CHART_TEXT_PX } from '@/components/charts/type';
import {
  contrast,
  MARK_CONTRAST_MIN,
  MARK_PAIRS,
  parseTokens,
  TEXT_CONTRAST_MIN,
  TEXT_PAIRS,
} from '@/features/design/model/tokens';
import tokensCss from '@/styles/tokens.css?raw';

const sources = import.meta.glob<string>('/src/**/*.{ts,tsx,css}', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Files with none of the page's design: tests, generated types, and the tokens themselves. */
const EXEMPT = /\.test\.tsx?$|^\/src\/(testing|api)\/|tokens\.css$/;

/** What must not be written outside the tokens, and what to write instead. */
const FORBIDDEN: readonly (readonly [what: RegExp, instead: string])[] = [
  [/\btext-\[\d[\w.]*\]/, 'a size of the scale: text-xs to text-xl'],
  [/\btext-([2-9]xl)\b/, 'a size of the scale: text-xs to text-xl'],
  [/\bfont-size:(?! var\()/, 'font-size: var(--text-…)'],
  [/\bfontSize: \d/, 'CHART_TEXT_PX'],
  [/\brounded(-[trblse]{1,2})?-(\[|xs\b|sm\b|lg\b|[2-4]?xl\b)/, 'rounded-md, or rounded-full'],
  [/["'` ]rounded["'` ](?!=)/, 'rounded-md, or rounded-full'],
  [/\bborder-radius: ?\d/, 'var(--radius-md)'],
  [/#[0-9a-f]{6}\b|\brgba?\(/i, 'a colour of tokens.css'],
  [/\b(bg|text|border|ring|fill)-(black|white|gray|slate|zinc|red|blue|green)\b/, 'a colour token'],
  [/\bshadow-(sm|lg|xl|2xl)\b/, 'shadow-panel'],
];

/** The one value that no stylesheet can give: the palette where there is none, as in the tests. */
const ALLOWED: Record<string, RegExp> = { '/src/components/charts/palette.ts': /'#888888'/ };

/** Sentences about colours are not colours. */
const COMMENT = /^\s*(\/\*\*?|\*|\/\/)|`#rrggbb`/;

test('sizes of type, radii, colours and shadows come from the tokens', () => {
  const found = Object.entries(sources)
    .filter(([path]) => !EXEMPT.test(path))
    .flatMap(([path, text]) =>
      text
        .split('\n')
        .flatMap((line, i) =>
          FORBIDDEN.filter(
            ([what]) => what.test(line) && !COMMENT.test(line) && !ALLOWED[path]?.test(line),
          ).map(([, instead]) => `${path}:${i + 1}: use ${instead}: ${line.trim()}`),
        ),
    );
  expect(Object.keys(sources).length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});

const { light, dark, shared } = parseTokens(tokensCss);

test('the scale of type is 12, 14, 16, 20 and 28, and there is one radius', () => {
  const sizes = [...shared].filter(([name]) => name.startsWith('text-'));
  expect(sizes.map(([, value]) => value)).toEqual([
    'initial',
    '12px',
    '14px',
    '16px',
    '20px',
    '28px',
  ]);
  const radii = [...shared].filter(([name]) => name.startsWith('radius-'));
  expect(radii).toEqual([
    ['radius-*', 'initial'],
    ['radius-md', '8px'],
  ]);
});

test('charts have the smallest size of the scale', () => {
  expect(`${CHART_TEXT_PX}px`).toBe(shared.get('text-xs'));
});

test('both themes have the same colours', () => {
  expect([...dark.keys()]).toEqual([...light.keys()].filter((name) => name !== 'overlay'));
});

test.each([
  ['light', light],
  ['dark', dark],
] as const)('in the %s theme, text and marks have enough contrast', (_, theme) => {
  const low = (pairs: readonly (readonly [string, string])[], min: number) =>
    pairs.flatMap(([front, ground]) => {
      const ratio = contrast(theme.get(front) ?? '', theme.get(ground) ?? '');
      return ratio >= min ? [] : [`${front} on ${ground}: ${ratio.toFixed(2)}`];
    });
  expect(low(TEXT_PAIRS, TEXT_CONTRAST_MIN)).toEqual([]);
  expect(low(MARK_PAIRS, MARK_CONTRAST_MIN)).toEqual([]);
});

test('contrast is that of WCAG', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});
