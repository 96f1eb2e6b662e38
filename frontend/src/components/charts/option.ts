import type { Palette } from '@/components/charts/palette';
import { CHART_TEXT_PX, CHART_TYPEFACE } from '@/components/charts/type';

/** The options that every chart shares. Animation is off, because figures that glide are wrong on the way. */
export function baseOption(palette: Palette) {
  return {
    animation: false,
    textStyle: { fontFamily: CHART_TYPEFACE, fontSize: CHART_TEXT_PX },
    tooltip: {
      confine: true,
      // A click opens posts, and would leave the tooltip behind.
      triggerOn: 'mousemove',
      backgroundColor: palette.raised,
      borderColor: palette.line,
      borderWidth: 1,
      padding: [8, 10],
      textStyle: { color: palette.ink, fontSize: CHART_TEXT_PX },
      extraCssText: 'border-radius:var(--radius-md);box-shadow:var(--shadow)',
    },
  };
}

export function axisText(palette: Palette) {
  return { color: palette['ink-soft'], fontSize: CHART_TEXT_PX };
}

/** Builds a tooltip from DOM nodes rather than HTML, since its text comes from untrusted posts. */
export function tooltipCard(
  title: string,
  rows: readonly (readonly [string, string])[],
): HTMLElement {
  const card = document.createElement('div');
  const heading = document.createElement('div');
  heading.textContent = title;
  heading.style.cssText = 'font-weight:600;margin-bottom:4px';
  card.append(heading);
  for (const [name, value] of rows) {
    const row = document.createElement('div');
    row.style.cssText = 'display:flex;justify-content:space-between;gap:16px;line-height:1.5';
    const [left, right] = [document.createElement('span'), document.createElement('span')];
    left.textContent = name;
    right.textContent = value;
    right.style.cssText = 'font-weight:500;font-variant-numeric:tabular-nums';
    row.append(left, right);
    card.append(row);
  }
  return card;
}
