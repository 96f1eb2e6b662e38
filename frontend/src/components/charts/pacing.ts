/** The shortest time between two redraws of a chart. Figures beside it change more often; a drawing cannot be read faster. */
const REDRAW_EVERY_MS = 1_000;

const queue: (() => void)[] = [];
let isRunning = false;

/** Runs one task per animation frame, so that a click never waits for more than one chart. */
function runNext(): void {
  const task = queue.shift();
  if (task === undefined) {
    isRunning = false;
    return;
  }
  task();
  requestAnimationFrame(runNext);
}

function enqueue(task: () => void): void {
  queue.push(task);
  if (isRunning) return;
  isRunning = true;
  requestAnimationFrame(runNext);
}

function dequeue(task: () => void): void {
  const place = queue.indexOf(task);
  if (place >= 0) queue.splice(place, 1);
}

/** Draws when the chart may be redrawn, and not in the same frame as another. Returns a function that cancels it. */
export function pace(draw: () => void, drawnAt: number): () => void {
  const wait = Math.max(0, drawnAt + REDRAW_EVERY_MS - performance.now());
  const timer = setTimeout(() => enqueue(draw), wait);
  return () => {
    clearTimeout(timer);
    // With many updates a second, cancelled drawings would fill the queue faster than frames empty it.
    dequeue(draw);
  };
}
