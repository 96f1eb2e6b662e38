import { useEffect } from 'react';
import { ReportsView } from '@/features/reports/components/reports-view';

/** Scheduled reports by mail. */
export function ReportsPage() {
  useEffect(() => {
    document.title = 'Reports · Groundswell';
  }, []);
  return (
    <>
      <h1 className="sr-only">Reports</h1>
      <ReportsView />
    </>
  );
}
