import type { ReactNode } from 'react';
import { Button } from '@/components/ui/button';
import { Form } from '@/components/ui/form';
import { Notice } from '@/components/ui/notice';
import { PageLink } from '@/components/ui/page-link';

interface CardProps {
  title: string;
  note?: ReactNode;
  children?: ReactNode;
}

/** The frame of a page that somebody sees without being signed in. */
export function Card({ title, note, children }: CardProps) {
  return (
    <section
      aria-label={title}
      className="mx-auto mt-[8vh] flex w-full max-w-md flex-col gap-3 rounded-md border border-line bg-surface p-6 shadow-panel"
    >
      <h1 className="text-lg font-semibold tracking-tight">{title}</h1>
      {note !== undefined && <div className="text-ink-soft">{note}</div>}
      {children}
    </section>
  );
}

interface OutcomeCardProps extends CardProps {
  /** The text of the link. */
  link?: string;
}

/** How such a page ends: a message, and a link to the sign-in page. */
export function OutcomeCard({ link = 'Go to sign in', children, ...card }: OutcomeCardProps) {
  return (
    <Card {...card}>
      {children}
      <p className="text-sm">
        <PageLink to="/sign-in">{link}</PageLink>
      </p>
    </Card>
  );
}

interface CardFormProps {
  label: string;
  /** The text of the button, and while the request is under way. */
  action: string;
  pending: string;
  isPending: boolean;
  /** For how many seconds the server refuses the next attempt. */
  waitSeconds?: number;
  /** Why the last attempt failed. */
  failure: string | null;
  onSubmit: () => void | Promise<void>;
  children: ReactNode;
}

/** The one form of such a page. */
export function CardForm(props: CardFormProps) {
  const { label, action, pending, isPending, waitSeconds = 0, failure, children } = props;
  const isWaiting = waitSeconds > 0;
  return (
    <Form
      label={label}
      className="flex flex-col gap-4"
      onSubmit={() => {
        if (!isPending && !isWaiting) return props.onSubmit();
      }}
    >
      {children}
      {failure !== null && <Notice tone="critical">{failure}</Notice>}
      <Button type="submit" look="solid" className="h-10!" disabled={isPending || isWaiting}>
        {isPending ? pending : isWaiting ? `${action} in ${waitSeconds} s` : action}
      </Button>
    </Form>
  );
}

/** Fields as large as the button. Below 16 pixels, phones zoom in on them. */
export const LARGE = 'h-10! text-base!';
