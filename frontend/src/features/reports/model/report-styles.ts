/**
 * The styles of a report, which are inline for mail clients.
 *
 * A frame that shows a report inherits the page's content security policy, which allows no inline styles. They are set
 * aside in the markup and applied through the CSSOM, which the policy does not concern. The server escapes every quote in
 * text, so ` style="` occurs only in markup.
 */

/** Returns the report with its styles set aside, and without the style sheet for printing. */
export function withStylesAside(html: string): string {
  return html.replace(/<style>.*?<\/style>/gs, '').replaceAll(' style="', ' data-style="');
}

/** Applies the styles that were set aside. */
export function applyStyles(document: Document): void {
  for (const element of document.querySelectorAll<HTMLElement | SVGElement>('[data-style]')) {
    element.style.cssText = element.dataset['style'] ?? '';
  }
}
