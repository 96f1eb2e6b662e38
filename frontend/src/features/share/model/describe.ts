const NOT_FILTERS = new Set(['window', 'from', 'to', 'tz', 'step', 'by', 'compare']);

/** `product Harbor Pay, not city Oslo`: the filters of a shared view; `no filters` without any. */
export function describeView(query: string): string {
  const filters = [...new URLSearchParams(query)].flatMap(([name, value]) => {
    if (NOT_FILTERS.has(name)) return [];
    const isNot = name.endsWith('_not');
    const filter = (isNot ? name.slice(0, -'_not'.length) : name).replaceAll('_', ' ');
    return [`${isNot ? 'not ' : ''}${filter === 'q' ? 'text' : filter} ${value || '(none)'}`];
  });
  return filters.length === 0 ? 'no filters' : filters.join(', ');
}
