import {
  averageColumn,
  countColumn,
  csvOf,
  shareColumn,
  type TableContents,
} from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { Panel } from '@/components/ui/panel';
import type { AuthorProfile } from '@/features/authors/api/use-author';
import { formatKey } from '@/lib/format';

type Product = AuthorProfile['products'][number];

const COLUMNS = [
  countColumn<Product>('Posts', ({ count }) => count),
  averageColumn<Product>('Average', ({ sentiment }) => sentiment.average),
  shareColumn<Product>(
    'Negative',
    ({ sentiment }) => sentiment.negative,
    ({ count }) => count,
  ),
];

interface AuthorProductsProps {
  profile: AuthorProfile;
  /** Explore search parameters for the posts about a product. */
  search: (product: string) => Record<string, string>;
}

/** The products that an author posts about, with the sentiment towards each. */
export function AuthorProducts({ profile, search }: AuthorProductsProps) {
  const contents: TableContents<Product> = {
    keyHead: 'Product',
    rows: profile.products,
    keyOf: ({ key }) => key,
    nameOf: ({ key }) => (key === '' ? 'No product' : formatKey(key)),
    columns: COLUMNS,
  };
  return (
    <Panel title="Products" note="what the posts are about" exported={() => csvOf(contents)}>
      <DataTable caption="Posts by product" {...contents} searchOf={({ key }) => search(key)} />
    </Panel>
  );
}
