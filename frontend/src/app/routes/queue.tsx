import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo } from 'react';
import { NameForm } from '@/features/person/components/name-form';
import { QueueView } from '@/features/work/components/queue-view';
import { parsePlace, placeToSearch, type QueuePlace } from '@/features/work/model/place';

/** The posts that need an answer. */
export function QueuePage() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const place = useMemo(() => parsePlace(search), [search]);
  const onChange = useCallback(
    (next: QueuePlace) => void navigate({ to: '/queue', search: placeToSearch(next) }),
    [navigate],
  );
  useEffect(() => {
    document.title = 'Queue · Groundswell';
  }, []);
  return (
    <>
      <h1 className="sr-only">Queue</h1>
      <QueueView
        place={place}
        onChange={onChange}
        nameForm={<NameForm label="Your name, to find your posts" />}
      />
    </>
  );
}
