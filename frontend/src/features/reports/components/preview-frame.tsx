import { Failure, Skeleton } from '@/components/ui/notice';
import { useReportPreview } from '@/features/reports/api/use-reports';
import type { ReportPreview } from '@/features/reports/api/wire';
import { applyStyles, withStylesAside } from '@/features/reports/model/report-styles';

/** The report that the schedule would have sent last, in a frame that runs no scripts and loads nothing. */
export function PreviewFrame({ draft }: { draft: ReportPreview | null }) {
  const { data, error, isLoading, refetch } = useReportPreview(draft);
  return (
    <section aria-label="Preview" className="flex flex-col gap-1">
      <h3 className="text-sm font-medium">Preview</h3>
      <p className="caption">The most recent report on this schedule.</p>
      {isLoading && <Skeleton rows={6} label="Loading the preview" />}
      {error !== null && (
        <Failure
          what="The preview could not be created"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {data !== undefined && error === null && (
        <iframe
          title="Report preview"
          // Of the same origin, so that its styles can be applied; scripts remain forbidden.
          sandbox="allow-same-origin"
          srcDoc={withStylesAside(data)}
          onLoad={({ currentTarget: { contentDocument } }) => {
            if (contentDocument !== null) applyStyles(contentDocument);
          }}
          className="h-96 w-full rounded-md border border-line bg-paper"
        />
      )}
    </section>
  );
}
