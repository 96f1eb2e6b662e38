import type { CsvCell, CsvTable } from '@/lib/csv';
import { formatCount, formatShare, formatSigned } from '@/lib/format';

export interface Column<Row> {
  head: string;
  cell: (row: Row) => string;
  /** The figure in a file, where it is not rounded; defaults to the text of the cell. */
  value?: (row: Row) => CsvCell;
  /** The unit of the figure in a file. */
  unit?: string;
}

/** What a table shows, and a file of it has. */
export interface TableContents<Row> {
  /** The head of the first column. */
  keyHead: string;
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  nameOf: (row: Row) => string;
  columns: readonly Column<Row>[];
}

export function countColumn<Row>(head: string, of: (row: Row) => number): Column<Row> {
  return { head, cell: (row) => formatCount(of(row)), value: of };
}

export function averageColumn<Row>(
  head: string,
  of: (row: Row) => number | null | undefined,
): Column<Row> {
  return { head, cell: (row) => formatSigned(of(row)), value: (row) => of(row) ?? null };
}

export function shareColumn<Row>(
  head: string,
  part: (row: Row) => number,
  total: (row: Row) => number,
): Column<Row> {
  return {
    head,
    cell: (row) => formatShare(part(row), total(row)),
    value: (row) => (total(row) > 0 ? (part(row) / total(row)) * 100 : null),
    unit: '%',
  };
}

/** Returns a table for a file. `firstOf` is the text of the first column, if it is not the one on screen. */
export function csvOf<Row>(
  { keyHead, rows, columns, nameOf }: TableContents<Row>,
  firstOf: (row: Row) => string = nameOf,
): CsvTable {
  return {
    heads: [
      keyHead,
      ...columns.map(({ head, unit }) => (unit === undefined ? head : `${head} (${unit})`)),
    ],
    rows: rows.map((row) => [
      firstOf(row),
      ...columns.map(({ cell, value }) => (value ?? cell)(row)),
    ]),
  };
}
