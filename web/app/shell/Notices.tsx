import { Close } from "./icons";
import { dismiss, useNotices } from "./notices";

export function Notices() {
  const list = useNotices((state) => state.list);
  return (
    <div className="notices" role="status" aria-live="polite" aria-relevant="additions">
      {list.map((notice) => (
        <div key={notice.id} className={`notice ${notice.kind}`}>
          <div>
            <strong>{notice.title}</strong>
            {notice.text && <p>{notice.text}</p>}
            {notice.fine && <p className="fine">{notice.fine}</p>}
          </div>
          <button type="button" className="icon-button small" aria-label="Dismiss" onClick={() => dismiss(notice.id)}><Close /></button>
        </div>
      ))}
    </div>
  );
}
