import { SENTIMENTS } from '@/api/wire';
import { Sparkline } from '@/components/charts/sparkline';
import { AuthorLink } from '@/components/ui/author-link';
import { ChangeMark } from '@/components/ui/change-mark';
import { ChangedBy } from '@/components/ui/changed-by';
import { averageColumn, countColumn } from '@/components/ui/columns';
import { DataTable } from '@/components/ui/data-table';
import { ExploreLink } from '@/components/ui/explore-link';
import { HeadlineCell, HeadlineStrip } from '@/components/ui/headline-strip';
import { LabelLegend } from '@/components/ui/label-legend';
import { PageLink } from '@/components/ui/page-link';
import { Panel } from '@/components/ui/panel';
import { SentimentMark } from '@/components/ui/sentiment-mark';
import { Specimen } from '@/features/design/components/specimen';
import { headlinesOf } from '@/lib/headlines';

const PRODUCTS = [
  { key: 'Harbor Pay', count: 412, average: -0.18 },
  { key: 'Tide Card', count: 188, average: 0.12 },
];
type Product = (typeof PRODUCTS)[number];

const NOW = { count: 600, average: -0.08, negative: 186, highChurn: 64 };
const BEFORE = { count: 480, average: 0.04, negative: 163, highChurn: 70 };

/** Figures, their changes, and the tables and links that lead to the posts behind them. */
export function Figures() {
  const { posts, sentiment, negative, churn } = headlinesOf(NOW, BEFORE);
  const table = (
    <DataTable
      caption="Products"
      keyHead="Product"
      rows={PRODUCTS}
      keyOf={({ key }) => key}
      nameOf={({ key }) => key}
      columns={[
        countColumn<Product>('Posts', ({ count }) => count),
        averageColumn<Product>('Average', ({ average }) => average),
      ]}
    />
  );
  return (
    <>
      <HeadlineStrip label="Headline strip" columns={4}>
        <HeadlineCell
          {...posts}
          spark={<Sparkline values={[3, 5, 4, 7, 6]} colour="var(--brand)" />}
        />
        <HeadlineCell {...sentiment} />
        <HeadlineCell {...negative} search={{ label: 'negative' }} />
        <HeadlineCell {...churn} />
      </HeadlineStrip>
      <Panel title="Figures" note="a panel, whose table has what its chart shows" table={table}>
        <Specimen name="Changed by" use="Who last changed something; nothing if nobody is known.">
          <ChangedBy by="Ana" at="2026-11-24T09:30:00Z" />
        </Specimen>
        <Specimen
          name="Change"
          use="An arrow means the change since the previous period, and nothing else."
        >
          <ChangeMark change={{ text: '+12%', direction: 'up' }} />
          <ChangeMark change={{ text: '+3 pts', direction: 'up' }} bad="up" />
          <ChangeMark change={{ text: '−3 pts', direction: 'down' }} bad="up" />
          <ChangeMark change={{ text: '±0', direction: 'same' }} />
        </Specimen>
        <Specimen name="Sentiment" use="A dot with a sign; outlined if the model is uncertain.">
          {SENTIMENTS.map((label) => (
            <SentimentMark key={label} label={label} />
          ))}
          <SentimentMark label="positive" uncertain />
          <LabelLegend />
        </Specimen>
        <Specimen name="Links" use="Every figure and name leads to its posts.">
          <ExploreLink search={{ product: 'Harbor Pay' }}>412</ExploreLink>
          <PageLink to="/alerts" search={{}}>
            Alerts
          </PageLink>
          <AuthorLink post={{ platform: 'web', author: { handle: 'ada' } }} />
        </Specimen>
        <Specimen name="Table" use="Numbers to the right.">
          <div className="w-full max-w-md">{table}</div>
        </Specimen>
      </Panel>
    </>
  );
}
