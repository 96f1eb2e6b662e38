import { PageLink } from '@/components/ui/page-link';
import { Card } from '@/features/sign-in/components/card';

/** A link whose token was lost, for example when it was copied. */
export function IncompleteLink() {
  return (
    <Card
      title="This link is incomplete"
      note="Copy the whole link, with the part after #, or ask for another."
    >
      <p className="text-sm">
        <PageLink to="/sign-in">Go to sign in</PageLink>
      </p>
    </Card>
  );
}
