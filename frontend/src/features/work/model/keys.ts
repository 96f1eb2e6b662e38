interface KeyPress {
  target: EventTarget;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}

/** Whether a key is text for a field or a shortcut of the browser, so that it is none of the page's. */
export function isTyping({ target, altKey, ctrlKey, metaKey }: KeyPress): boolean {
  const isField = target instanceof Element && target.closest('input, textarea, select') !== null;
  const isCheckbox = target instanceof HTMLInputElement && target.type === 'checkbox';
  return altKey || ctrlKey || metaKey || (isField && !isCheckbox);
}
