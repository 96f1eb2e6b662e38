import { useId } from 'react';
import { Field } from '@/components/ui/field';
import { Failure } from '@/components/ui/notice';
import type { useQueryCheck } from '@/features/topics/api/use-topic-query';
import { MarkedTextArea } from '@/features/topics/components/marked-text-area';
import { Message } from '@/features/topics/components/message';
import { SyntaxHelp } from '@/features/topics/components/syntax-help';
import {
  announceCheck,
  describePlace,
  describeProblem,
  saysMore,
} from '@/features/topics/model/describe';
import type { Mark } from '@/features/topics/model/spans';

interface QueryFieldProps {
  query: string;
  check: ReturnType<typeof useQueryCheck>;
  /** What was wrong with it when the topic was last saved. */
  error: string | null;
  onChange: (query: string) => void;
}

/** The query of a topic, with what is wrong with it marked in the text and explained below. */
export function QueryField({
  query,
  check: { check, isCurrent, error: failed },
  ...props
}: QueryFieldProps) {
  const adviceId = useId();
  const problem = check?.error ? describeProblem(check.error, check.query) : null;
  const hints = check?.hints ?? [];
  const marks: Mark[] = [
    ...(check?.error ? [{ span: check.error.span, tone: 'error' } as const] : []),
    ...hints.map(({ span }) => ({ span, tone: 'hint' }) as const),
  ];
  const error = problem ?? props.error;
  const canonical = check?.canonical;
  return (
    <div className="flex flex-col gap-2">
      <Field
        label="Query"
        hint="Matches the posts about the topic."
        error={error === null ? null : <Message text={error} />}
      >
        {(control) => (
          <MarkedTextArea
            {...control}
            aria-describedby={[control['aria-describedby'], adviceId].filter(Boolean).join(' ')}
            text={query}
            // Positions of an earlier text would mark the wrong words.
            marks={isCurrent ? marks : []}
            onChange={props.onChange}
          />
        )}
      </Field>
      <div id={adviceId} className="flex flex-col gap-1 empty:hidden">
        {hints.map(({ span, message }) => (
          <p key={span.from} className="text-xs text-warning">
            {describePlace(span)}: <Message text={message} />.
          </p>
        ))}
        {check && canonical && saysMore(canonical, check.query) && (
          <p className="caption wrap-anywhere">
            Read as <code className="font-mono text-ink">{canonical}</code>
          </p>
        )}
      </div>
      <p role="status" className="sr-only">
        {isCurrent && check !== null && announceCheck(problem, hints.length)}
      </p>
      {failed !== null && <Failure what="The query could not be checked" error={failed} />}
      <SyntaxHelp />
    </div>
  );
}
