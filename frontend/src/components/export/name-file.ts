import type { ExportScope } from '@/components/export/scope';

/** `groundswell-share-of-voice-20260329T083000Z-20260329T093000Z.csv`: the panel and its window. */
export function nameFile(
  title: string,
  { from, to }: Pick<ExportScope, 'from' | 'to'>,
  ending: 'csv' | 'png',
): string {
  const panel = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return `groundswell-${panel}-${compact(from)}-${compact(to)}.${ending}`;
}

/** ISO 8601 in its basic format, since file names must not contain colons. */
function compact(at: string): string {
  return new Date(at).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
}
