/**
 * Styles that apply while a dialog is open, in place of the package `react-style-singleton`.
 *
 * That package adds `<style>` elements, which the content security policy does not allow. A constructed style sheet needs
 * no exception, because only scripts of our own can make one. `vite.config.ts` puts this module in the package's place.
 */
import { useEffect } from 'react';

interface StyleProps {
  styles: string;
}

/** Returns a component whose styles apply while at least one of it is mounted: those of the first. */
export function styleSingleton() {
  let sheet: CSSStyleSheet | null = null;
  let n_mounted = 0;
  const add = (styles: string) => {
    n_mounted += 1;
    if (n_mounted > 1) return;
    sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  };
  const remove = () => {
    n_mounted -= 1;
    if (n_mounted > 0) return;
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
  };
  return function Style({ styles }: StyleProps) {
    useEffect(() => {
      add(styles);
      return remove;
    }, [styles]);
    return null;
  };
}
