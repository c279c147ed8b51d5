import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App, newQueryClient } from "./app/App";
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
// Takes the token out of the address before anything is asked.
host();
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App client={newQueryClient()} />
  </StrictMode>,
);
