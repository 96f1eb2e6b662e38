import { useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { useUnlock } from '@/features/connection/api/use-unlock';

/** Replaces every page until the person enters a valid access token. */
export function TokenForm({ onAccepted }: { onAccepted: () => void }) {
  const [token, setToken] = useState('');
  const unlock = useUnlock(onAccepted);
  const fieldId = useId();
  const noteId = useId();
  return (
    <form
      className="mx-auto mt-[12vh] flex max-w-md flex-col gap-3 rounded-md border border-line bg-surface p-6 shadow-panel"
      onSubmit={(event) => {
        event.preventDefault();
        if (token.trim() !== '') unlock.mutate(token.trim());
      }}
    >
      <h1 className="text-lg font-semibold tracking-tight">Access token required</h1>
      <p id={noteId} className="text-ink-soft">
        Ask your administrator for the token. It is kept until you close this tab.
      </p>
      <label htmlFor={fieldId} className="text-sm font-medium">
        Access token
      </label>
      <input
        id={fieldId}
        type="password"
        autoComplete="current-password"
        autoFocus
        required
        value={token}
        aria-describedby={noteId}
        aria-invalid={unlock.isError}
        onChange={({ target }) => setToken(target.value)}
        className="h-10 rounded-md border border-line-strong bg-raised px-3 text-base text-ink"
      />
      {unlock.error !== null && (
        <p role="alert" className="rounded-md bg-critical-soft px-3 py-2 text-sm text-critical">
          {unlock.error.message}
        </p>
      )}
      <Button type="submit" look="solid" className="h-10!" disabled={unlock.isPending}>
        {unlock.isPending ? 'Checking…' : 'Unlock'}
      </Button>
    </form>
  );
}
