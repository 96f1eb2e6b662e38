import { clsx } from 'clsx';
import { frameOf } from '@/components/ui/control';
import type { ControlProps } from '@/components/ui/field';
import { segmentsOf, type Mark } from '@/features/topics/model/spans';

interface MarkedTextAreaProps extends ControlProps {
  text: string;
  marks: readonly Mark[];
  onChange: (text: string) => void;
}

/** Everything that decides where a line breaks, so that both texts break alike. */
const TEXT =
  'rounded-md border px-2.5 py-1.5 font-mono text-sm leading-6 whitespace-pre-wrap wrap-anywhere';

const TONES = {
  error: 'bg-critical-soft ring-1 ring-critical underline decoration-critical decoration-wavy',
  hint: 'bg-warning-soft underline decoration-warning decoration-dotted',
} as const;

/**
 * A field for several lines of text, parts of which are marked.
 *
 * A field cannot style its parts, so the marks belong to an invisible copy of the text behind it. The copy also gives the
 * field its height: it grows with the text and never scrolls, which keeps the two aligned.
 */
export function MarkedTextArea({ text, marks, onChange, ...control }: MarkedTextAreaProps) {
  return (
    <div className="relative rounded-md bg-raised">
      <div
        aria-hidden="true"
        className={clsx(TEXT, 'min-h-28 border-transparent text-transparent')}
      >
        {segmentsOf(text, marks).map((segment, i) =>
          segment.tone === null ? (
            segment.text
          ) : (
            <mark
              key={i}
              data-tone={segment.tone}
              className={clsx('box-decoration-clone text-transparent', TONES[segment.tone])}
            >
              {segment.text}
            </mark>
          ),
        )}
        {/* Otherwise a line break at the end would not show. */}
        {'\n'}
      </div>
      <textarea
        {...control}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        className={clsx(
          TEXT,
          frameOf(control['aria-invalid']),
          'absolute inset-0 size-full resize-none overflow-hidden bg-transparent text-ink',
        )}
        value={text}
        onChange={({ target }) => onChange(target.value)}
      />
    </div>
  );
}
