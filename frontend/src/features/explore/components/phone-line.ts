/** On a phone a row of controls is one line that scrolls: wrapped, they would push every figure off the screen. */
export const PHONE_LINE =
  'max-sm:relative max-sm:flex-nowrap max-sm:overflow-x-auto max-sm:*:shrink-0 max-sm:-mx-3 max-sm:px-3 max-sm:-my-1 max-sm:py-1 thin-scroll';
