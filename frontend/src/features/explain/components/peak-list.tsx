import type { Peak } from '@/api/wire';
import { Button } from '@/components/ui/button';
import { describePeak } from '@/features/explain/model/describe';

interface PeakListProps {
  peaks: readonly Peak[];
  formatTime: (at: string) => string;
  onExplain: (peak: Peak) => void;
}

/** The peaks of a chart, as buttons that explain them. */
export function PeakList({ peaks, formatTime, onExplain }: PeakListProps) {
  if (peaks.length === 0) return <p className="caption shrink-0">No peaks</p>;
  return (
    <ul aria-label="Peaks" className="flex shrink-0 gap-1.5">
      {peaks.map((peak) => (
        <li key={`${peak.metric} ${peak.at}`}>
          <Button
            className="h-7! px-2! text-xs!"
            title={`What happened? ${describePeak(peak)}`}
            onClick={() => onExplain(peak)}
          >
            <span aria-hidden="true">▼</span>
            <span className="sr-only">Explain the peak at</span>
            {formatTime(peak.at)}
            <span className="font-normal text-ink-soft">{describePeak(peak)}</span>
          </Button>
        </li>
      ))}
    </ul>
  );
}
