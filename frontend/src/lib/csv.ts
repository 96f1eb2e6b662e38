/** Tables as CSV files (RFC 4180), by the rules of the server's exports. */

export type CsvCell = string | number | null;

export interface CsvTable {
  heads: readonly string[];
  rows: readonly (readonly CsvCell[])[];
}

/** Returns the file. Numbers stay numbers; text never becomes a formula. */
export function toCsv({ heads, rows }: CsvTable): string {
  return [heads, ...rows].map((cells) => `${cells.map(writeCell).join(',')}\r\n`).join('');
}

function writeCell(cell: CsvCell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  const text = harmless(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Puts an apostrophe before each sign that could begin a formula: at the start of the text and after each semicolon, tab
 * and line break, at which some spreadsheets split a row. Spaces, quotes and invisible characters in between do not
 * protect. The server's exports follow the same rules (`src/http/posts/csv_cell.rs`).
 */
export function harmless(text: string): string {
  let safe = /^[\t\r\n]/.test(text) ? "'" : '';
  let beginsCell = true;
  for (const character of text) {
    if (beginsCell && FORMULA.test(character)) safe += "'";
    safe += character;
    beginsCell = CELL_END.test(character) || (beginsCell && DROPPED.test(character));
  }
  return safe;
}

const FORMULA = /[=+\-@＝＋－＠]/;

const CELL_END = /[;\t\r\n]/;

/** What a spreadsheet may drop at the start of a cell: white space, controls, quotes, and characters without width. */
const DROPPED = /[\s\p{Cc}"\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;
