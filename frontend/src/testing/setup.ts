import { cleanup, configure } from '@testing-library/react';
import { createElement } from 'react';
import { afterEach, vi } from 'vitest';

// Generous, because the machine may be busy; only a failing test waits this long.
configure({ asyncUtilTimeout: 10_000 });

// There is no canvas here; the tests check the chart's label.
vi.mock('@/components/charts/chart', () => ({
  Chart: ({ label }: { label: string }) =>
    createElement('div', { role: 'img', 'aria-label': label }),
}));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
