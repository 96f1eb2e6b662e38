import { expect, test } from 'vitest';
import { applyStyles, withStylesAside } from '@/features/reports/model/report-styles';

test('a report has no inline styles in the frame until they are applied', () => {
  const report =
    '<style>@media print{h2{color:red}}</style><p style="color:#1d4f91">a &quot; style=&quot;b&quot;</p>';
  const aside = withStylesAside(report);
  expect(aside).not.toMatch(/<style|\sstyle="/);
  const shown = new DOMParser().parseFromString(aside, 'text/html');
  applyStyles(shown);
  const text = shown.querySelector('p');
  expect(text?.style.color).toBe('rgb(29, 79, 145)');
  expect(text?.textContent).toBe('a " style="b"');
});
