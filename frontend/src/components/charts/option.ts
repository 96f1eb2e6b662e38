import type { Palette } from '@/components/charts/palette';

/** The options that every chart shares. Animation is off because it would never finish at four redraws a second. */
export function baseOption(palette: Palette) {
  return {
    animation: false,
    textStyle: { fontFamily: "'Instrument Sans', system-ui, sans-serif", fontSize: 12 },
    tooltip: {
      confine: true,
      backgroundColor: palette.raised,
      borderColor: palette.line,
      borderWidth: 1,
      padding: [8, 10],
      textStyle: { color: palette.ink, fontSize: 12 },
      extraCssText: 'border-radius:8px;box-shadow:0 6px 24px -8px rgb(0 0 0 / 25%)',
    },
  };
}

export function axisText(palette: Palette) {
  return { color: palette['ink-soft'], fontSize: 11.5 };
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
