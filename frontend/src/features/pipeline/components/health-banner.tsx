import type { ReactNode } from 'react';
import type { SystemStatus } from '@/api/wire';
import { AlertIcon } from '@/components/ui/icons';
import { describeProblems } from '@/features/pipeline/model/problems';

interface HealthBannerProps {
  system: SystemStatus;
  /** Where there is more to see of it, on pages that do not show it themselves. */
  more?: ReactNode;
}

/** Says when the server is not well; nothing otherwise. */
export function HealthBanner({ system, more }: HealthBannerProps) {
  const problems = describeProblems(system);
  if (problems.length === 0) return null;
  return (
    <div
      role="status"
      className="flex flex-wrap items-start gap-x-4 gap-y-1 rounded-xl border border-warning/30 bg-warning-soft px-4 py-2 text-[13.5px]"
    >
      <ul className="flex min-w-0 flex-1 basis-60 flex-col gap-1">
        {problems.map((problem) => (
          <li key={problem} className="flex items-start gap-2">
            <AlertIcon className="mt-0.5 size-4 shrink-0 text-warning" />
            <span className="min-w-0 wrap-anywhere">{problem}</span>
          </li>
        ))}
      </ul>
      {more}
    </div>
  );
}
