import type { UseMutationResult } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '@/lib/api-client';
import { capitalize } from '@/lib/format';

/** Error messages, keyed by the server's field names so that its errors and ours appear beside the same fields. */
export type Problems = Record<string, string>;

interface EditorParams<Draft, Value, Answer> {
  initial: Draft | (() => Draft);
  /** Converts the draft to the value to save and lists what is wrong with it. */
  read: (draft: Draft) => { value: Value; problems: Problems };
  /** The fields that can show an error; the form shows all other errors. */
  fields: readonly string[];
  mutation: UseMutationResult<Answer, Error, Value>;
  onSaved: (answer: Answer, value: Value) => void;
}

/**
 * The state of a form: its draft, its errors, and the request that saves it.
 *
 * Our own errors stay hidden until the first attempt to save, so that nobody is corrected while typing.
 */
export function useEditor<Draft extends object, Value, Answer>({
  initial,
  read,
  fields,
  mutation,
  onSaved,
}: EditorParams<Draft, Value, Answer>) {
  const [draft, setDraft] = useState(initial);
  const [isShown, setIsShown] = useState(false);
  const { value, problems } = read(draft);
  const { error, isPending } = mutation;
  const rejection = error instanceof ApiError ? error : null;
  // The form does not distinguish the channel's own fields from those under `settings`.
  const field = rejection?.field?.replace(/^settings\./, '') ?? null;
  return {
    draft,
    value,
    problems,
    isSaving: isPending,
    set: (changes: Partial<Draft>) => {
      mutation.reset();
      setDraft((current) => ({ ...current, ...changes }));
    },
    submit: async () => {
      setIsShown(true);
      if (Object.keys(problems).length > 0) return;
      try {
        const answer = await mutation.mutateAsync(value);
        setIsShown(false);
        onSaved(answer, value);
      } catch {
        // The error is shown beside its field or at the end of the form.
      }
    },
    problemOf: (name: string): string | null =>
      (isShown ? problems[name] : undefined) ??
      (rejection !== null && field === name ? `${capitalize(rejection.message)}.` : null),
    /** An error that belongs to no field. */
    formError: field !== null && fields.includes(field) ? null : error,
  };
}
