import type { SystemStatus } from '@/api/wire';
import { AlertIcon } from '@/components/ui/icons';
import { describeProblems } from '@/features/pipeline/model/problems';

/** Says when the server is not well; nothing otherwise. */
export function HealthBanner({ system }: { system: SystemStatus }) {
  const problems = describeProblems(system);
  if (problems.length === 0) return null;
  return (
    <div
      role="status"
      className="rounded-xl border border-warning/30 bg-warning-soft px-4 py-2 text-[13.5px]"
    >
      <ul className="flex flex-col gap-1">
        {problems.map((problem) => (
          <li key={problem} className="flex items-start gap-2">
            <AlertIcon className="mt-0.5 size-4 shrink-0 text-warning" />
            {problem}
          </li>
        ))}
      </ul>
    </div>
  );
}
