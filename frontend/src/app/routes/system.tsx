import { useEffect } from 'react';
import { SystemView } from '@/features/pipeline/components/system-view';

export function SystemPage() {
  useEffect(() => {
    document.title = 'System · Groundswell';
  }, []);
  return (
    <>
      <h1 className="sr-only">System</h1>
      <SystemView />
    </>
  );
}
