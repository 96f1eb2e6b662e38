import { OutcomeCard } from '@/features/sign-in/components/card';

/** A link whose token was lost, for example when it was copied. */
export function IncompleteLink() {
  return (
    <OutcomeCard
      title="This link is incomplete"
      note="Copy the whole link, with the part after #, or ask for another."
    />
  );
}
