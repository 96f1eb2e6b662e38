import { Allowed } from '@/components/ui/allowed';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { DeleteButton } from '@/components/ui/confirm';
import { Failure } from '@/components/ui/notice';
import { Switch } from '@/components/ui/switch';
import { useDeleteReport, useSaveReport, useSendReport } from '@/features/reports/api/use-reports';
import type { Report } from '@/features/reports/api/wire';
import { RunState } from '@/features/reports/components/run-state';
import {
  describeFilter,
  describeSchedule,
  readDraft,
  toDraft,
} from '@/features/reports/model/draft';
import { formatDate } from '@/lib/format';

interface ReportRowProps {
  report: Report;
  /** The name of its channel, once it is known. */
  channel: string | undefined;
  onEdit: () => void;
  onRuns: () => void;
}

/** One report: when it is sent, to whom, how the last one went, and its actions. */
export function ReportRow({ report, channel, onEdit, onRuns }: ReportRowProps) {
  const save = useSaveReport(report.id);
  const send = useSendReport();
  const remove = useDeleteReport();
  const { name, enabled, last_run } = report;
  const isPending = send.isPending || last_run?.state === 'pending';
  const failed = save.error ?? send.error ?? remove.error;
  const setEnabled = (next: boolean) =>
    save.mutate(readDraft({ ...toDraft(report), enabled: next }).value);
  return (
    <li className="border-t border-line px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Allowed to="replace_report">
          <Switch
            label={`Enable ${name}`}
            checked={enabled}
            disabled={save.isPending}
            onChange={setEnabled}
          />
        </Allowed>
        <div className="min-w-0 flex-1 basis-60 wrap-anywhere">
          <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
            {name}
            {!enabled && <Badge tone="outline">off</Badge>}
          </p>
          <p className="text-sm text-ink-soft">{describeSchedule(report.schedule)}</p>
          <p className="caption">
            To {channel ?? '…'} · {describeFilter(report.filter)}
            {report.next_at && ` · next ${formatDate(report.next_at)}`}
          </p>
          {last_run && (
            <p className="mt-1 flex flex-wrap items-center gap-x-2">
              <RunState run={last_run} />
            </p>
          )}
        </div>
        <div className="flex flex-wrap gap-1 max-sm:*:px-2!">
          <Allowed to="send_report">
            <Button
              aria-label={`Send now: ${name}`}
              disabled={isPending}
              onClick={() => send.mutate(report.id)}
            >
              {isPending ? 'Sending…' : 'Send now'}
            </Button>
          </Allowed>
          <Button aria-label={`Past reports of ${name}`} onClick={onRuns}>
            Past
          </Button>
          <Allowed to="replace_report">
            <Button aria-label={`Edit ${name}`} onClick={onEdit}>
              Edit
            </Button>
          </Allowed>
          <Allowed to="delete_report">
            <DeleteButton noun="report" name={name} onDelete={() => remove.mutate(report.id)}>
              Its past reports are deleted too. Emails that were sent are not affected.
            </DeleteButton>
          </Allowed>
        </div>
      </div>
      {failed !== null && (
        <Failure className="mt-2" what="The report could not be changed or sent" error={failed} />
      )}
    </li>
  );
}
