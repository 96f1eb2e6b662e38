/** The tokens of one theme by name, without the leading dashes. */
export type Tokens = ReadonlyMap<string, string>;

/** Reads the tokens of a stylesheet: those of each theme, and those that both share. */
export function parseTokens(css: string) {
  const light = declarationsOf(css, /^:root \{(.*?)^\}/ms);
  const dark = declarationsOf(css, /^:root\[data-theme='dark'\] \{(.*?)^\}/ms);
  const shared = declarationsOf(css, /^@theme \{(.*?)^\}/ms);
  return { light, dark, shared };
}

function declarationsOf(css: string, block: RegExp): Tokens {
  const [, body = ''] = block.exec(css) ?? [];
  const found = body.matchAll(/^\s*--([\w-]+(?:\*)?):\s*([^;]+);/gm);
  return new Map([...found].map(([, name = '', value = '']) => [name, value.trim()]));
}

/** Text and the grounds that it stands on, at the sizes of text. */
export const TEXT_PAIRS = [
  ...['page', 'surface', 'sunken', 'raised', 'highlight'].map((ground) => ['ink', ground] as const),
  ...['page', 'surface', 'sunken', 'raised'].map((ground) => ['ink-soft', ground] as const),
  ['ink-faint', 'surface'],
  ['brand-ink', 'brand'],
  ['brand-ink', 'brand-hover'],
  ['warning', 'warning-soft'],
  ['critical', 'critical-soft'],
  ['critical', 'surface'],
  ['surface', 'critical'],
  ['good', 'positive-soft'],
  ['good', 'surface'],
] as const;

/** Marks that mean something without a text in them. */
export const MARK_PAIRS = [
  ['positive', 'surface'],
  ['neutral', 'surface'],
  ['negative', 'surface'],
  ['brand', 'surface'],
  ['focus', 'page'],
] as const;

/** WCAG 2.2, 1.4.3 and 1.4.11, both at level AA. */
export const TEXT_CONTRAST_MIN = 4.5;
export const MARK_CONTRAST_MIN = 3;

/** Returns the contrast ratio of two `#rrggbb` colours according to WCAG 2.2, from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [lighter = 1, darker = 1] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
