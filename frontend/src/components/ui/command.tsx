import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { CheckIcon, CopyIcon } from '@/components/ui/icons';

/** A line of code with a copy button. */
export function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <div className="flex items-start gap-1 rounded-md bg-sunken ring-1 ring-line ring-inset">
      <code className="min-w-0 flex-1 px-3 py-2 font-mono text-xs leading-relaxed break-all whitespace-pre-wrap">
        {text}
      </code>
      <Button
        look="quiet"
        square
        className="m-0.5"
        aria-label={copied ? 'Copied' : 'Copy'}
        // The clipboard is available only in secure contexts.
        hidden={!('clipboard' in navigator)}
        onClick={() => void copy()}
      >
        {copied ? <CheckIcon /> : <CopyIcon />}
      </Button>
    </div>
  );
}
