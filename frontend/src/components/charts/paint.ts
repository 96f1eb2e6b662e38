import { CHART_TEXT_PX, CHART_TYPEFACE } from '@/components/charts/type';
import type { Dot, Scene, Shape, Size } from '@/components/charts/scene';

const FONT = `${CHART_TEXT_PX}px ${CHART_TYPEFACE}`;

export interface Painting extends Size {
  scene: Scene<unknown>;
  /** Pixels of the canvas per pixel of the page. */
  ratio: number;
}

/** Draws a scene on a canvas, replacing what it shows. */
export function paint(canvas: HTMLCanvasElement, { scene, width, height, ratio }: Painting): void {
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  const pen = canvas.getContext('2d');
  if (pen === null) return;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, across, down);
  if (scene.background !== undefined) {
    pen.drawImage(layerOf(scene.background, { across, down, ratio }), 0, 0);
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const shape of scene.shapes) draw(pen, shape);
}

interface Layer {
  across: number;
  down: number;
  ratio: number;
}

const layers = new WeakMap<readonly Shape[], { layer: Layer; canvas: HTMLCanvasElement }>();

/** Returns the shapes as a picture. A map takes long to draw and does not change. */
function layerOf(shapes: readonly Shape[], layer: Layer): HTMLCanvasElement {
  const known = layers.get(shapes);
  const { across, down, ratio } = layer;
  if (known?.layer.across === across && known.layer.down === down && known.layer.ratio === ratio) {
    return known.canvas;
  }
  const canvas = document.createElement('canvas');
  canvas.width = across;
  canvas.height = down;
  const pen = canvas.getContext('2d');
  if (pen !== null) {
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    for (const shape of shapes) draw(pen, shape);
  }
  layers.set(shapes, { layer, canvas });
  return canvas;
}

type Pen = CanvasRenderingContext2D;
type Of<Kind extends Shape['kind']> = Extract<Shape, { kind: Kind }>;

function draw(pen: Pen, shape: Shape): void {
  pen.globalAlpha = 'opacity' in shape ? (shape.opacity ?? 1) : 1;
  switch (shape.kind) {
    case 'rectangle':
      return drawRectangle(pen, shape);
    case 'circle':
    case 'diamond':
    case 'arrow-up':
    case 'arrow-down':
      return drawDot(pen, shape);
    case 'line':
      return drawLine(pen, shape);
    case 'text':
      return drawText(pen, shape);
    case 'outline':
      return drawOutline(pen, shape);
  }
}

function drawRectangle(pen: Pen, { box, fill, radius, hatch }: Of<'rectangle'>): void {
  const { left, top, width, height } = box;
  pen.fillStyle = fill;
  pen.beginPath();
  if (radius === undefined) pen.rect(left, top, width, height);
  else pen.roundRect(left, top, width, height, radius);
  pen.fill();
  if (hatch === undefined) return;
  pen.save();
  pen.clip();
  pen.strokeStyle = hatch;
  pen.lineWidth = 2;
  pen.beginPath();
  const bottom = top + height;
  for (let x = left - height; x < left + width; x += 6) {
    pen.moveTo(x, bottom);
    pen.lineTo(x + height, top);
  }
  pen.stroke();
  pen.restore();
}

function drawDot(pen: Pen, { kind, at: [x, y], radius, fill, border }: Dot): void {
  pen.beginPath();
  if (kind === 'circle') pen.arc(x, y, radius, 0, 2 * Math.PI);
  else if (kind !== 'diamond') {
    const up = kind === 'arrow-up' ? 1 : -1;
    pen.moveTo(x, y - radius * up);
    pen.lineTo(x + radius, y + radius * 0.8 * up);
    pen.lineTo(x - radius, y + radius * 0.8 * up);
    pen.closePath();
  } else {
    pen.moveTo(x, y - radius);
    pen.lineTo(x + radius, y);
    pen.lineTo(x, y + radius);
    pen.lineTo(x - radius, y);
    pen.closePath();
  }
  pen.fillStyle = fill;
  pen.fill();
  pen.strokeStyle = border;
  pen.lineWidth = 1;
  pen.stroke();
}

function drawLine(pen: Pen, { points, colour, width = 1, dash = [] }: Of<'line'>): void {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash([...dash]);
  pen.beginPath();
  let isDown = false;
  for (const point of points) {
    if (point !== null) pen[isDown ? 'lineTo' : 'moveTo'](...point);
    isDown = point !== null;
  }
  pen.stroke();
  pen.setLineDash([]);
}

function drawText(pen: Pen, shape: Of<'text'>): void {
  const { at, colour, align = 'left', isBold = false, outline, widthMax } = shape;
  pen.font = isBold ? `600 ${FONT}` : FONT;
  pen.textAlign = align;
  pen.textBaseline = 'middle';
  const text = widthMax === undefined ? shape.text : shorten(pen, shape.text, widthMax);
  if (outline !== undefined) {
    pen.strokeStyle = outline;
    pen.lineWidth = 2.5;
    pen.lineJoin = 'round';
    pen.strokeText(text, ...at);
  }
  pen.fillStyle = colour;
  pen.fillText(text, ...at);
}

function shorten(pen: Pen, text: string, widthMax: number): string {
  const fits = (part: string) => pen.measureText(part).width <= widthMax;
  if (fits(text)) return text;
  const letters = [...text];
  while (letters.length > 1 && !fits(`${letters.join('')}…`)) letters.pop();
  return `${letters.join('')}…`;
}

function drawOutline(pen: Pen, { path, at, scale, fill, border }: Of<'outline'>): void {
  pen.save();
  pen.translate(...at);
  pen.scale(scale, scale);
  pen.fillStyle = fill;
  pen.fill(path);
  pen.strokeStyle = border;
  pen.lineWidth = 0.6 / scale;
  pen.stroke(path);
  pen.restore();
}
