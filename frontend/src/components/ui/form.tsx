import { useEffect, useRef, type FormEvent, type ReactNode } from 'react';

interface FormProps {
  id?: string;
  label: string;
  className?: string;
  onSubmit: () => void | Promise<void>;
  children: ReactNode;
}

/** A form that, once submitted, moves focus to the first invalid field. */
export function Form({ id, label, className, onSubmit, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const isSubmitted = useRef(false);
  // The server's errors arrive some renders later, so every render is checked until the next input.
  useEffect(() => {
    if (!isSubmitted.current) return;
    const invalid = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    if (!invalid) return;
    isSubmitted.current = false;
    invalid.focus();
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    isSubmitted.current = true;
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
      onInput={() => (isSubmitted.current = false)}
    >
      {children}
    </form>
  );
}
