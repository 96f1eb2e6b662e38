import { render } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { styleSingleton } from '@/lib/style-singleton';

/** What jsdom lacks of constructed style sheets. */
class Sheet {
  text = '';

  replaceSync(text: string) {
    this.text = text;
  }
}

const adopted = () => (document.adoptedStyleSheets as unknown as Sheet[]).map(({ text }) => text);

beforeEach(() => {
  vi.stubGlobal('CSSStyleSheet', Sheet);
  Object.defineProperty(document, 'adoptedStyleSheets', {
    value: [],
    writable: true,
    configurable: true,
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  Reflect.deleteProperty(document, 'adoptedStyleSheets');
});

test('styles apply once while anything needs them, without a style element', () => {
  const Style = styleSingleton();
  const one = render(<Style styles="body { overflow: hidden }" />);
  const other = render(<Style styles="body { overflow: hidden }" />);
  expect(adopted()).toEqual(['body { overflow: hidden }']);
  one.unmount();
  expect(adopted()).toHaveLength(1);
  other.unmount();
  expect(adopted()).toEqual([]);
  expect(document.querySelector('style')).toBeNull();
});
