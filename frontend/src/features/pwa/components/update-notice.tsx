import { useSyncExternalStore } from 'react';
import { Button } from '@/components/ui/button';
import { registration } from '@/features/pwa/model/registration';

/** Offers a newer version of the dashboard. */
export function UpdateNotice() {
  const update = useSyncExternalStore(registration.subscribe, registration.state);
  if (update === 'none') return null;
  return (
    <div
      role="status"
      className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2 rounded-md border border-brand/30 bg-highlight px-4 py-2 text-sm"
    >
      <p className="min-w-0 flex-1">A new version of the dashboard is available.</p>
      <Button look="solid" onClick={registration.update}>
        Update
      </Button>
    </div>
  );
}
