/** Keeps a row of controls on one scrolling line on phones, where it would otherwise fill the screen. */
export const PHONE_LINE =
  'max-sm:relative max-sm:flex-nowrap max-sm:overflow-x-auto max-sm:*:shrink-0 max-sm:-mx-3 max-sm:px-3 max-sm:-my-1 max-sm:py-1 thin-scroll';
