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

/** Escapes text that a spreadsheet would evaluate as a formula because of its first character, as the server does. */
export function harmless(text: string): string {
  return /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
}
