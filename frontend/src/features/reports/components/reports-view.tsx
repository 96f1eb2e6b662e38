import { useState } from 'react';
import { Allowed } from '@/components/ui/allowed';
import { Button } from '@/components/ui/button';
import { Empty, Notice } from '@/components/ui/notice';
import { Panel } from '@/components/ui/panel';
import { QueryStatus } from '@/components/ui/query-status';
import { useEmailChannels, useReports } from '@/features/reports/api/use-reports';
import type { Report } from '@/features/reports/api/wire';
import { ReportEditor } from '@/features/reports/components/report-editor';
import { ReportRow } from '@/features/reports/components/report-row';
import { RunsSheet } from '@/features/reports/components/runs-sheet';

type Open = { kind: 'edit'; report: Report | null } | { kind: 'runs'; report: Report };

/** The scheduled reports, and what is missing to send them. */
export function ReportsView() {
  const query = useReports();
  const channels = useEmailChannels();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const { data } = query;
  return (
    <Panel
      title="Reports"
      note="sent by email on a schedule"
      actions={
        <Allowed to="create_report">
          <Button look="solid" onClick={() => setOpen({ kind: 'edit', report: null })}>
            New report
          </Button>
        </Allowed>
      }
    >
      <QueryStatus query={query} what="reports" rows={5} />
      {data?.mail === false && (
        <Notice tone="warning" className="mt-2">
          No mail server is configured, so reports cannot be sent. Set GROUNDSWELL_SMTP_URL and
          GROUNDSWELL_SMTP_FROM.
        </Notice>
      )}
      {data?.pdf === false && (
        <Notice tone="warning" className="mt-2">
          Chromium was not found, so reports are sent without a PDF. Install it on the server, or
          set GROUNDSWELL_CHROMIUM.
        </Notice>
      )}
      {data?.items.length === 0 && (
        <Empty title="No reports yet">
          A report sums up a day, a week or a month: figures, trend, alerts and top posts.
        </Empty>
      )}
      <ul aria-label="Reports" className="-mx-4 mt-2">
        {data?.items.map((report) => (
          <ReportRow
            key={report.id}
            report={report}
            channel={channels.data?.find(({ id }) => id === report.notification_channel)?.name}
            onEdit={() => setOpen({ kind: 'edit', report })}
            onRuns={() => setOpen({ kind: 'runs', report })}
          />
        ))}
      </ul>
      {open?.kind === 'edit' && channels.data !== undefined && (
        <ReportEditor report={open.report} channels={channels.data} onClose={close} />
      )}
      {open?.kind === 'runs' && <RunsSheet report={open.report} onClose={close} />}
    </Panel>
  );
}
