import { useEffect } from 'react';
import { useDrill } from '@/app/use-drill';
import { SentimentPanel } from '@/features/metrics/components/sentiment-panel';
import { SystemView } from '@/features/pipeline/components/system-view';
import { nameOfWindow, type View } from '@/lib/view';
import { useLive } from '@/live/store';

export function SystemPage() {
  useEffect(() => {
    document.title = 'System · Groundswell';
  }, []);
  const pushed = useLive((live) => live.system);
  const postsPerSecond = useLive((live) => live.postsPerSecond);
  const n_late = useLive((live) => live.feed.metrics?.overall.late ?? null);
  return (
    <>
      <h1 className="sr-only">System</h1>
      <SystemView pushed={pushed} postsPerSecond={postsPerSecond} n_late={n_late}>
        <Sentiment />
      </SystemView>
    </>
  );
}

const EVERYTHING: View = { window: '60s' };

/** What the models make of the posts: a scale that sticks at one end means that they, not the people, have changed. */
function Sentiment() {
  const metrics = useLive((live) => live.feed.metrics);
  const drill = useDrill(EVERYTHING, metrics?.window);
  if (metrics === null) return null;
  const span = nameOfWindow('60s', metrics.window);
  return <SentimentPanel overall={metrics.overall} span={span} drill={drill} />;
}
