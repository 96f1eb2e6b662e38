import type { ReactNode } from 'react';
import type { SystemStatus } from '@/api/wire';
import { AlertIcon } from '@/components/ui/icons';
import { describeProblems } from '@/features/pipeline/model/problems';

interface HealthBannerProps {
  system: SystemStatus;
  /** A link to the details, on other pages. */
  more?: ReactNode;
}

/** Lists the server's problems; nothing if it is healthy. */
export function HealthBanner({ system, more }: HealthBannerProps) {
  const problems = describeProblems(system);
  if (problems.length === 0) return null;
  return (
    <div
      role="status"
      className="flex flex-wrap items-start gap-x-4 gap-y-1 rounded-md border border-warning/30 bg-warning-soft px-4 py-2 text-sm"
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
