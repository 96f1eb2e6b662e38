import type { Palette } from '@/components/charts/palette';
import { pictures } from '@/components/charts/pictures';
import type { LegendItem } from '@/components/export/panel-export';
import type { ExportScope } from '@/components/export/scope';
import { formatRange } from '@/lib/time';

interface PictureParams {
  /** The element of the chart. */
  host: HTMLElement | null;
  title: string;
  note: string;
  scope: ExportScope;
  palette: Palette;
  legend: readonly LegendItem[];
}

/** Enough for print and for screens with a high density. */
const PIXEL_RATIO = 2;
const MARGIN = 20;
const LINE_HEIGHT = 18;
const WIDTH_MIN = 480;
const LINES_MAX = 4;
const FAMILY = "'Instrument Sans', system-ui, sans-serif";

/** Draws a chart with its title, period, filters and legend, so that the picture explains itself. */
export async function drawPicture(params: PictureParams): Promise<Blob> {
  const { host, palette } = params;
  const drawChart = host === null ? undefined : pictures.get(host);
  if (drawChart === undefined) throw new Error('the panel shows no chart');
  const drawn = drawChart(PIXEL_RATIO);
  const width = Math.max(WIDTH_MIN, drawn.width / PIXEL_RATIO);
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d');
  if (pen === null) throw new Error('this browser cannot draw pictures');
  pen.font = `12px ${FAMILY}`;
  const lines = captionOf(params).flatMap((line) => wrap(pen, line, width));
  const legendHeight = params.legend.length === 0 ? 0 : LINE_HEIGHT;
  const top = MARGIN + 24 + lines.length * LINE_HEIGHT + legendHeight + 8;
  canvas.width = (width + 2 * MARGIN) * PIXEL_RATIO;
  canvas.height = (top + drawn.height / PIXEL_RATIO + MARGIN) * PIXEL_RATIO;
  pen.scale(PIXEL_RATIO, PIXEL_RATIO);
  pen.fillStyle = palette.surface;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  write(pen, { params, lines });
  pen.drawImage(drawn, MARGIN, top, drawn.width / PIXEL_RATIO, drawn.height / PIXEL_RATIO);
  return new Promise((resolve, reject) => {
    canvas.toBlob((file) => {
      if (file === null) reject(new Error('the picture is too large'));
      else resolve(file);
    }, 'image/png');
  });
}

/** The lines under the title. */
export function captionOf({ note, scope }: Pick<PictureParams, 'note' | 'scope'>): string[] {
  const { span, from, to, zone, filters } = scope;
  const period = `${formatRange(from, to, zone)} (${zone})`;
  return [
    note,
    span === '' ? period : `${span}: ${period}`,
    filters.length === 0 ? 'No filters' : `Filters: ${filters.join(' · ')}`,
  ].filter((line) => line !== '');
}

interface Heading {
  params: PictureParams;
  lines: readonly string[];
}

function write(pen: CanvasRenderingContext2D, { params, lines }: Heading): void {
  const { title, palette, legend } = params;
  pen.textBaseline = 'top';
  pen.fillStyle = palette.ink;
  pen.font = `600 16px ${FAMILY}`;
  pen.fillText(title, MARGIN, MARGIN);
  pen.font = `12px ${FAMILY}`;
  pen.fillStyle = palette['ink-soft'];
  lines.forEach((line, i) => pen.fillText(line, MARGIN, MARGIN + 24 + i * LINE_HEIGHT));
  let left = MARGIN;
  const y = MARGIN + 24 + lines.length * LINE_HEIGHT;
  for (const { text, colour } of legend) {
    pen.fillStyle = palette[colour];
    pen.fillRect(left, y + 2, 9, 9);
    pen.fillStyle = palette['ink-soft'];
    pen.fillText(text, left + 14, y);
    left += 14 + pen.measureText(text).width + 14;
  }
}

/** Breaks a line at spaces. Filters may be of any length, so the last line that fits ends in an ellipsis. */
export function wrap(
  pen: Pick<CanvasRenderingContext2D, 'measureText'>,
  text: string,
  width: number,
): string[] {
  const fits = (line: string) => pen.measureText(line).width <= width;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (fits(longer)) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
  }
  lines.push(line);
  const shown = lines.slice(0, LINES_MAX).map((long) => shorten(long, fits));
  if (lines.length > LINES_MAX) {
    shown[LINES_MAX - 1] = shorten(`${shown.at(-1) ?? ''} …`, fits);
  }
  return shown;
}

function shorten(line: string, fits: (line: string) => boolean): string {
  let characters = [...line];
  while (characters.length > 1 && !fits(characters.join(''))) {
    characters = [...characters.slice(0, -2), '…'];
  }
  return characters.join('');
}
