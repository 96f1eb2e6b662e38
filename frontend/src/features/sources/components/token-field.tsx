import { TextField } from '@/components/ui/field';
import { tokenName, tokenOrigin } from '@/features/sources/model/describe';
import type { SourceDraft } from '@/features/sources/model/draft';

/** The server's limit, in characters. */
const TOKEN_MAX = 4_096;

interface TokenFieldProps {
  draft: SourceDraft;
  /** Whether a token is stored, which the form cannot show. */
  hasToken: boolean;
  set: (changes: Partial<SourceDraft>) => void;
  problemOf: (field: string) => string | null;
}

/** The token or key that the network of a source issues. */
export function TokenField({ draft, hasToken, set, problemOf }: TokenFieldProps) {
  const name = tokenName(draft.network);
  return (
    <TextField
      label={hasToken ? `${name} (leave empty to keep it)` : name}
      hint={`${tokenOrigin(draft.network)} It is stored encrypted and never shown.`}
      error={problemOf('credentials.token')}
      type="password"
      autoComplete="off"
      maxLength={TOKEN_MAX}
      value={draft.token}
      onChange={(token) => set({ token })}
    />
  );
}
