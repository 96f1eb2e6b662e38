import { useEffect } from 'react';
import { DesignView } from '@/features/design/components/design-view';

export function DesignPage() {
  useEffect(() => {
    document.title = 'Design language · Groundswell';
  }, []);
  return <DesignView />;
}
