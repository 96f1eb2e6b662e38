import { cleanup, configure } from '@testing-library/react';
import { createElement } from 'react';
import { afterEach, vi } from 'vitest';

// A machine that builds the server beside the tests is slow. Nothing but a failure ever waits this long.
configure({ asyncUtilTimeout: 10_000 });

// A canvas has no pixels here. What matters to the tests is the sentence that a chart says of itself.
vi.mock('@/components/charts/chart', () => ({
  Chart: ({ label }: { label: string }) =>
    createElement('div', { role: 'img', 'aria-label': label }),
}));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
