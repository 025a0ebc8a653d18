import { shortcuts } from "../pages/spot/shortcuts";
import { Dialog } from "./Dialog";
import { usePrefs } from "./prefs";
import { closeDialog } from "./ui";

export function ShortcutsDialog() {
  const on = usePrefs((prefs) => prefs.shortcuts);
  const dir = usePrefs((prefs) => prefs.dir);
  return (
    <Dialog title="Keyboard shortcuts" onClose={closeDialog}>
      <table className="keys">
        <thead className="visually-hidden"><tr><th scope="col">Key</th><th scope="col">Action</th></tr></thead>
        <tbody>
          {shortcuts.map(({ key, does }) => (
            <tr key={key}><td><kbd>{key}</kbd></td><td>{does}</td></tr>
          ))}
          <tr><td><kbd>&uarr;</kbd> <kbd>&darr;</kbd></td><td>Step the price in the form; move through the book and lists</td></tr>
          <tr><td><kbd>Esc</kbd></td><td>Close a dialog</td></tr>
        </tbody>
      </table>
      <label className="check"><input type="checkbox" checked={on} onChange={(event) => usePrefs.setState({ shortcuts: event.target.checked })} /> Use single-key shortcuts</label>
      <label className="check"><input type="checkbox" checked={dir === "rtl"} onChange={(event) => usePrefs.setState({ dir: event.target.checked ? "rtl" : "ltr" })} /> Mirror the layout (right to left)</label>
    </Dialog>
  );
}
