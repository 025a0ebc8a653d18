import "./styles/font.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/spot.css";
import "./styles/form.css";
import "./styles/orders.css";
import { createRoot } from "react-dom/client";
import { startAccount } from "./account/store";
import { startFeed } from "./market/feed";
import { startMarket } from "./market/store";
import { App } from "./shell/App";

startMarket();
startFeed();
void startAccount();
createRoot(document.getElementById("root")!).render(<App />);
