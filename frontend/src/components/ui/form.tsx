import { useEffect, useRef, type FormEvent, type ReactNode } from 'react';

interface FormProps {
  id?: string;
  label: string;
  className?: string;
  onSubmit: () => void | Promise<void>;
  children: ReactNode;
}

/** A form that brings the keyboard to the first field that cannot be taken, whoever refused it and whenever. */
export function Form({ id, label, className, onSubmit, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const isAwaited = useRef(false);
  // The server refuses some renders later, so each one is looked at until somebody goes on typing.
  useEffect(() => {
    if (!isAwaited.current) return;
    const invalid = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    if (!invalid) return;
    isAwaited.current = false;
    invalid.focus();
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    isAwaited.current = true;
    void onSubmit();
  };
  return (
    <form
      ref={form}
      id={id}
      aria-label={label}
      noValidate
      className={className}
      onSubmit={submit}
      onInput={() => (isAwaited.current = false)}
    >
      {children}
    </form>
  );
}
