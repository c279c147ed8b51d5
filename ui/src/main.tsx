import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connectFeed } from "./api/live";
import { App, newQueryClient } from "./app/App";
import { readFirst } from "./app/first";
import { applyTheme } from "./app/preferences";
import { host } from "./host";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";
import "./styles/grid.css";
import "./styles/document.css";
import "./styles/answer.css";
import "./styles/issue.css";
import "./styles/configuration.css";
import "./styles/health.css";

applyTheme();
const client = newQueryClient();
// The host takes the token out of the address before anything is asked.
connectFeed(client, host());
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
await readFirst(client);
createRoot(root).render(
  <StrictMode>
    <App client={client} />
  </StrictMode>,
);
