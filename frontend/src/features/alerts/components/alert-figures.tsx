import type { AlertDetails } from '@/features/alerts/api/wire';
import { figuresOf } from '@/features/alerts/model/describe-alert';

/** The alert's value at the moments that matter, and its threshold. */
export function AlertFigures({ alert }: { alert: AlertDetails }) {
  return (
    <dl className="mt-3 flex flex-wrap gap-x-6 gap-y-2">
      {figuresOf(alert).map(({ name, text }) => (
        <div key={name}>
          <dt className="caption">{name}</dt>
          <dd className="text-base leading-tight font-semibold">{text}</dd>
        </div>
      ))}
    </dl>
  );
}
