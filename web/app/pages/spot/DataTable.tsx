import type { ReactNode } from "react";
import { useNarrow } from "../../shell/hooks";

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ReactNode;
  numeric?: boolean;
  className?: (row: Row) => string;
}

interface Props<Row> {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  empty: ReactNode;
  /** On narrow screens the first column heads a card and the others are listed in it. */
  action?: (row: Row) => ReactNode;
}

const MOST_ROWS = 200;

export function DataTable<Row>({ label, rows, columns, rowKey, empty, action }: Props<Row>) {
  const narrow = useNarrow();
  if (rows.length === 0) return <div className="empty">{empty}</div>;
  const shown = rows.slice(0, MOST_ROWS);
  if (narrow) {
    return (
      <ul className="cards" aria-label={label}>
        {shown.map((row) => (
          <li key={rowKey(row)} data-row={rowKey(row)}>
            <dl>{columns.map((column) => <div key={column.name}><dt>{column.name}</dt><dd className={column.className?.(row)}>{column.cell(row)}</dd></div>)}</dl>
            {action?.(row)}
          </li>
        ))}
      </ul>
    );
  }
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="data">
        <thead>
          <tr>
            {columns.map((column) => <th key={column.name} scope="col" className={column.numeric ? "num" : ""}>{column.name}</th>)}
            {action && <th scope="col"><span className="visually-hidden">Action</span></th>}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={rowKey(row)} data-row={rowKey(row)}>
              {columns.map((column) => <td key={column.name} className={`${column.numeric ? "num" : ""} ${column.className?.(row) ?? ""}`}>{column.cell(row)}</td>)}
              {action && <td className="num">{action(row)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
