import { useEffect } from "react";
import { SpotPage } from "../pages/spot/SpotPage";
import { shortcuts } from "../pages/spot/shortcuts";
import { SymbolPicker } from "../pages/spot/SymbolPicker";
import { AccountDialog, KeysDialog } from "./AccountDialogs";
import { CancelAllDialog } from "./CancelAllDialog";
import { Header } from "./Header";
import { Notices } from "./Notices";
import { ShortcutsDialog } from "./ShortcutsDialog";
import { listenForShortcuts, useUi } from "./ui";

export function App() {
  const dialog = useUi((ui) => ui.dialog);
  useEffect(() => listenForShortcuts(shortcuts), []);
  return (
    <>
      <a className="skip" href="#order">Skip to the order form</a>
      <Header />
      <SpotPage />
      <Notices />
      {dialog === "symbols" && <SymbolPicker />}
      {dialog === "shortcuts" && <ShortcutsDialog />}
      {dialog === "keys" && <KeysDialog />}
      {dialog === "account" && <AccountDialog />}
      {dialog === "cancel-all" && <CancelAllDialog />}
    </>
  );
}
