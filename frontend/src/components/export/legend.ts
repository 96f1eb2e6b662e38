import { SENTIMENTS } from '@/api/wire';

/** The legend of charts whose colours are the labels. */
export const LABEL_COLOURS = SENTIMENTS.map((label) => ({ text: label, colour: label }));
