/** A message of the server about a query, with its code between backticks set as such. */
export function Message({ text }: { text: string }) {
  return text.split('`').map((part, i) =>
    i % 2 === 0 ? (
      part
    ) : (
      <code key={i} className="font-mono">
        {part}
      </code>
    ),
  );
}
