/** Our own small drawings. All are decoration: the control around them carries the name. */
const LINE = { fill: "none", stroke: "currentColor", strokeWidth: 1.8, strokeLinecap: "round", strokeLinejoin: "round" } as const;

function Icon({ children }: { children: React.ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" {...LINE}>
      {children}
    </svg>
  );
}

/** The mark: water standing just below the line it once reached. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" className="mark-ground" />
      <path d="M6 9h20" className="mark-line" />
      <path d="M6 17.2c2.5-2.9 4.9-2.9 7.3-.6s4.9 2.3 7.3-.3 3.7-2.2 5.4-.7V25a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2z" className="mark-water" />
    </svg>
  );
}

export const Sun = () => <Icon><circle cx="12" cy="12" r="4" /><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.600l1.4 1.400M17 17l1.4 1.400M5.6 18.4 7 17M17 7l1.4-1.4" /></Icon>;
export const Moon = () => <Icon><path d="M20 14.500A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.500z" /></Icon>;
export const Search = () => <Icon><circle cx="11" cy="11" r="6.5" /><path d="m16 16 4.5 4.5" /></Icon>;
export const Chevron = () => <Icon><path d="m6 9 6 6 6-6" /></Icon>;
export const Close = () => <Icon><path d="M6 6l12 12M18 6 6 18" /></Icon>;
export const Keyboard = () => <Icon><rect x="2.5" y="6" width="19" height="12" rx="2" /><path d="M6.5 10h.01M10 10h.01M14 10h.01M17.5 10h.01M8 14h8" /></Icon>;
export const User = () => <Icon><circle cx="12" cy="8" r="3.8" /><path d="M4.5 20c1.2-3.6 4-5.2 7.5-5.200s6.3 1.6 7.5 5.2" /></Icon>;
export const Mirror = () => <Icon><path d="M4 8h13l-3.5-3.500M20 16H7l3.5 3.5" /></Icon>;
export const Star = ({ on }: { on: boolean }) => (
  <Icon><path fill={on ? "currentColor" : "none"} d="m12 3.8 2.5 5.2 5.7.8-4.1 4 1 5.700L12 16.800l-5.1 2.7 1-5.7-4.1-4 5.7-.8z" /></Icon>
);
