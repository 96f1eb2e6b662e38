import type { Schemas } from '@/api/wire';

export type Report = Schemas['Report'];
export type ReportRun = Schemas['ReportRun'];
export type Reports = Schemas['Reports'];
export type NewReport = Schemas['NewReport'];
export type ReportPreview = Schemas['ReportPreview'];
export type Cadence = Schemas['Cadence'];
export type Weekday = Schemas['Weekday'];

export const CADENCES = ['daily', 'weekly', 'monthly'] as const satisfies Cadence[];
export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const satisfies Weekday[];

export const FILTERS = ['product', 'platform', 'channel', 'city', 'source'] as const;
export type FilterName = (typeof FILTERS)[number];
