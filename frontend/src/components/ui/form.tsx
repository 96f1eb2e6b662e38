import { useRef, type FormEvent, type ReactNode } from 'react';

interface FormProps {
  id?: string;
  label: string;
  className?: string;
  onSubmit: () => void | Promise<void>;
  children: ReactNode;
}

/** A form that brings the keyboard to the first field that cannot be taken, whoever refused it. */
export function Form({ id, label, className, onSubmit, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    await onSubmit();
    requestAnimationFrame(() => {
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    });
  };
  return (
    <form
      ref={form}
      id={id}
      aria-label={label}
      noValidate
      className={className}
      onSubmit={(event) => void submit(event)}
    >
      {children}
    </form>
  );
}
