import { cleanup, configure } from '@testing-library/react';
import { createElement } from 'react';
import { afterEach, vi } from 'vitest';

// Only ends what hangs: how long something took is never what fails a test. `vi.waitFor` does not know of it.
configure({ asyncUtilTimeout: 60_000 });

const labelled = ({ label }: { label: string }) =>
  createElement('div', { role: 'img', 'aria-label': label });

// There is no canvas here; the tests check a chart's label, and its shapes without a page.
vi.mock('@/components/charts/chart', () => ({ Chart: labelled }));
vi.mock('@/components/charts/plot', () => ({ Plot: labelled }));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
