/** What a chart over time shows besides its figures: peaks, alerts and annotations. The app supplies it to every chart. */
import { createContext, useContext, type ReactNode } from 'react';
import type { Peak } from '@/api/wire';
import type { VolumeMark } from '@/components/charts/volume-scene';
import type { Query } from '@/lib/api-client';

export interface Period {
  from: string;
  to: string;
}

export interface ChartNotes {
  marks: readonly VolumeMark[];
  /** The peaks and annotations as buttons, and buttons to add an annotation and to explain the period. */
  list: ReactNode;
  /** Explains the peak of a clicked step, and returns whether there was one. */
  onPeak: (step: Period) => boolean;
  /** Offers what can be done with a span that was dragged over the chart. */
  onSpan: (span: Period) => void;
}

export interface ChartNotesProps {
  /** The period of the chart. */
  range: Period;
  /** Null for a chart without peaks of its own. */
  peaks: readonly Peak[] | null;
  /** The filters of the chart, under the names of the API. */
  filters: Query;
  /** The time zone of the chart; the browser's by default. */
  zone?: string;
  children: (notes: ChartNotes) => ReactNode;
}

const NOTHING: ChartNotes = {
  marks: [],
  list: null,
  onPeak: () => false,
  onSpan: () => undefined,
};

/** Draws a chart with its notes. Without the app, as in tests of single panels, there are none. */
export const NotesContext = createContext<(props: ChartNotesProps) => ReactNode>(({ children }) =>
  children(NOTHING),
);

/** A chart with its notes. */
export function WithNotes(props: ChartNotesProps) {
  return useContext(NotesContext)(props);
}
