import { useState } from 'react';
import { ApiError } from '@/lib/api-client';
import { capitalize } from '@/lib/format';

interface FormProblemsParams {
  /** What we object to, by the server's names of the fields. */
  problems: Readonly<Record<string, string>>;
  /** Why the server refused, if it did; reset it when something is changed. */
  error: Error | null;
  /** The fields that have a place for an objection. */
  fields: readonly string[];
}

/**
 * Which objection stands beside which field.
 *
 * Ours are kept back until somebody tried to save: a form that objects while it is being filled in is a nuisance.
 */
export function useFormProblems({ problems, error, fields }: FormProblemsParams) {
  const [isShown, setIsShown] = useState(false);
  const refused = error instanceof ApiError ? error : null;
  // What stands in the body's `settings` is one form with the rest for people.
  const field = refused?.field?.replace(/^settings\./, '') ?? null;
  return {
    problemOf: (name: string): string | null =>
      (isShown ? problems[name] : undefined) ??
      (refused !== null && field === name ? `${capitalize(refused.message)}.` : null),
    showAll: () => setIsShown(true),
    /** An error that belongs to no field, to be shown below them. */
    stray: field !== null && fields.includes(field) ? null : error,
  };
}
