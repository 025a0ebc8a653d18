import type { KeyboardEvent } from "react";

interface Props {
  label: string;
  value: string;
  tabs: readonly (readonly [id: string, name: string, count?: number])[];
  onChange: (id: string) => void;
}

/** Tabs with arrow keys. The panel follows directly in the document. */
export function Tabs({ label, value, tabs, onChange }: Props) {
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const rtl = getComputedStyle(event.currentTarget).direction === "rtl";
    const move = event.key === (rtl ? "ArrowLeft" : "ArrowRight") ? 1 : event.key === (rtl ? "ArrowRight" : "ArrowLeft") ? -1 : 0;
    if (move === 0) return;
    event.preventDefault();
    const index = tabs.findIndex(([id]) => id === value);
    const [next] = tabs[(index + move + tabs.length) % tabs.length]!;
    onChange(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {tabs.map(([id, name, count]) => (
        <button key={id} type="button" role="tab" data-tab={id} aria-selected={id === value} tabIndex={id === value ? 0 : -1} onClick={() => onChange(id)}>
          {name}
          {count !== undefined && count > 0 && <span className="count">{count}</span>}
        </button>
      ))}
    </div>
  );
}
