/** The look of inputs and selects. */
export const CONTROL =
  'h-9 w-full min-w-0 rounded-md border bg-raised px-2.5 text-sm text-ink placeholder:text-ink-faint disabled:opacity-60';

export function frameOf(invalid: unknown): string {
  return invalid ? 'border-critical' : 'border-line hover:border-line-strong';
}
