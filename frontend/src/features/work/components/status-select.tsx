import { Select } from '@/components/ui/select';
import { STATUSES, type Status } from '@/features/work/api/wire';
import { STATUS_NAMES } from '@/features/work/model/describe';

interface StatusSelectProps {
  label: string;
  /** Null if the posts differ or none is selected. */
  value: Status | null;
  disabled?: boolean;
  onChange: (status: Status) => void;
}

/** Sets the status of posts. */
export function StatusSelect({ label, value, disabled = false, onChange }: StatusSelectProps) {
  return (
    <Select
      aria-label={label}
      isCompact
      disabled={disabled}
      value={value ?? ''}
      onChange={({ target }) => {
        const chosen = STATUSES.find((status) => status === target.value);
        if (chosen !== undefined) onChange(chosen);
      }}
    >
      {value === null && <option value="">Status</option>}
      {STATUSES.map((status) => (
        <option key={status} value={status}>
          {STATUS_NAMES[status]}
        </option>
      ))}
    </Select>
  );
}
