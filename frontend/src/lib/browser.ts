/** `Chrome on Linux`, from how a browser describes itself. */
export function nameOfBrowser(agent: string): string {
  const browsers = [
    ['Edg/', 'Edge'],
    ['OPR/', 'Opera'],
    ['Firefox/', 'Firefox'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
  ] as const;
  const systems = [
    ['Android', 'Android'],
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Windows', 'Windows'],
    ['Mac OS', 'Mac'],
    ['Linux', 'Linux'],
  ] as const;
  const find = (among: readonly (readonly [string, string])[], fallback: string) =>
    among.find(([mark]) => agent.includes(mark))?.[1] ?? fallback;
  return `${find(browsers, 'Browser')} on ${find(systems, 'unknown system')}`;
}
