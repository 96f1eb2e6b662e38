import { useEffect } from 'react';
import { SystemView } from '@/features/pipeline/components/system-view';
import { useLive } from '@/live/store';

export function SystemPage() {
  useEffect(() => {
    document.title = 'System · Groundswell';
  }, []);
  const pushed = useLive((live) => live.feed.system);
  const postsPerSecond = useLive((live) => live.feed.metrics?.rate.posts_per_second ?? null);
  return (
    <>
      <h1 className="sr-only">System</h1>
      <SystemView pushed={pushed} postsPerSecond={postsPerSecond} />
    </>
  );
}
