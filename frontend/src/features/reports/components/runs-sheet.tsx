import { Button } from '@/components/ui/button';
import { Empty, Failure } from '@/components/ui/notice';
import { QueryStatus } from '@/components/ui/query-status';
import { Sheet } from '@/components/ui/sheet';
import { useRuns, useSaveRun } from '@/features/reports/api/use-reports';
import type { Report } from '@/features/reports/api/wire';
import { RunState } from '@/features/reports/components/run-state';
import { formatterIn } from '@/lib/time';

const FORMATS = [
  { format: 'html', text: 'HTML' },
  { format: 'pdf', text: 'PDF' },
] as const;

/** The past reports, with their documents as long as they are kept. */
export function RunsSheet({ report, onClose }: { report: Report; onClose: () => void }) {
  const query = useRuns(report.id);
  const save = useSaveRun();
  const formatDay = formatterIn(report.schedule.tz, { dateStyle: 'medium' });
  return (
    <Sheet
      title={`Past reports of “${report.name}”`}
      description="Newest first. The newest 12 can be downloaded."
      onClose={onClose}
    >
      <QueryStatus query={query} what="past reports" rows={4} />
      {query.data?.length === 0 && <Empty title="Nothing has been sent yet" />}
      {save.error !== null && <Failure what="The file could not be saved" error={save.error} />}
      <ul aria-label="Past reports" className="divide-y divide-line">
        {query.data?.map((run) => {
          const last = new Date(run.period.to).getTime() - 1_000;
          const [from, to] = [formatDay(run.period.from), formatDay(last)];
          const days = from === to ? from : `${from} – ${to}`;
          return (
            <li key={run.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2.5 text-sm">
              <div className="flex min-w-0 flex-1 basis-52 flex-wrap items-center gap-x-2 wrap-anywhere">
                <span className="basis-full font-medium">{days}</span>
                <RunState run={run} />
              </div>
              <div className="flex gap-1">
                {FORMATS.filter(({ format }) => run[format]).map(({ format, text }) => (
                  <Button
                    key={format}
                    aria-label={`Download ${days} as ${text}`}
                    disabled={save.isPending}
                    onClick={() => save.mutate({ run: run.id, format })}
                  >
                    {text}
                  </Button>
                ))}
              </div>
            </li>
          );
        })}
      </ul>
    </Sheet>
  );
}
