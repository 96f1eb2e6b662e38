import { useMutation } from '@tanstack/react-query';
import { Button } from '@/components/ui/button';
import { exportPath } from '@/features/audit/api/use-audit';
import { getBlob, type Query } from '@/lib/api-client';
import { saveFile } from '@/lib/save-file';

const FORMATS = [
  { format: 'csv', text: 'CSV' },
  { format: 'ndjson', text: 'JSON lines' },
] as const;

/** Saves all entries that match as a file. */
export function AuditExport({ query }: { query: Query }) {
  // A link would not send the operator's token, and could not say what went wrong.
  const save = useMutation({
    mutationFn: async (format: 'csv' | 'ndjson') =>
      saveFile(await getBlob(exportPath(query, format)), `audit.${format}`),
  });
  return (
    <>
      {save.error !== null && (
        <p role="alert" className="text-sm text-critical">
          The file could not be saved: {save.error.message}.
        </p>
      )}
      {FORMATS.map(({ format, text }) => (
        <Button
          key={format}
          className="h-7! px-2!"
          aria-label={`Export as ${text}`}
          disabled={save.isPending}
          onClick={() => save.mutate(format)}
        >
          {text}
        </Button>
      ))}
    </>
  );
}
