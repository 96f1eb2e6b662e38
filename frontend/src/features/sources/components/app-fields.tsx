import { TextField } from '@/components/ui/field';
import { appOrigin } from '@/features/sources/model/describe';
import type { SourceDraft } from '@/features/sources/model/draft';

/** The server's limit on each, in characters. */
const CREDENTIAL_MAX = 4_096;

interface AppFieldsProps {
  draft: SourceDraft;
  /** Whether an app is stored, which the form cannot show. */
  hasApp: boolean;
  set: (changes: Partial<SourceDraft>) => void;
  problemOf: (field: string) => string | null;
}

/** The app that the network of a source has approved. */
export function AppFields({ draft, hasApp, set, problemOf }: AppFieldsProps) {
  const keep = hasApp ? ' (leave empty to keep it)' : '';
  return (
    <>
      <TextField
        label={`Id of the app${keep}`}
        hint={appOrigin(draft.network)}
        error={problemOf('credentials.client_id')}
        autoComplete="off"
        maxLength={CREDENTIAL_MAX}
        value={draft.clientId}
        onChange={(clientId) => set({ clientId })}
      />
      <TextField
        label={`Secret of the app${keep}`}
        hint="Both are stored encrypted and never shown."
        error={problemOf('credentials.client_secret')}
        type="password"
        autoComplete="off"
        maxLength={CREDENTIAL_MAX}
        value={draft.clientSecret}
        onChange={(clientSecret) => set({ clientSecret })}
      />
    </>
  );
}
