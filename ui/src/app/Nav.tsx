import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import { keys } from "../api/live";
import { Icon, type IconName } from "../components/Icon";
import { useTroubles } from "../features/health/troubles";
import { formatInteger } from "../texts/format";
import { text } from "../texts/en";
import { setTheme, type Theme, useTheme } from "./preferences";
import { href, type Route } from "./router";

const nextTheme: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const themeIcon: Record<Theme, IconName> = { system: "display", light: "sun", dark: "moon" };

export function cycleTheme(theme: Theme): void {
  setTheme(nextTheme[theme]);
}

interface LinkProps {
  to: Route;
  current: boolean;
  icon: IconName;
  name: string;
  id: string;
  count?: number | undefined;
  tone?: "accent" | "critical";
}

function NavLink({ to, current, icon, name, id, count, tone }: LinkProps) {
  return (
    <a
      className="nav-link"
      href={href(to)}
      aria-current={current ? "page" : undefined}
      aria-label={count ? `${name}, ${count}` : name}
      title={name}
      data-testid={`nav-${id}`}
    >
      <Icon name={icon} />
      <span className="nav-text grow clip">{name}</span>
      {count ? (
        <span className={`nav-count ${tone ? `nav-count-${tone}` : ""}`} data-testid={`count-${id}`}>
          {formatInteger(count)}
        </span>
      ) : null}
    </a>
  );
}

export function Nav({ route, onPalette, onKeys }: { route: Route; onPalette: () => void; onKeys: () => void }) {
  const counters = useQuery({ queryKey: keys.counters, queryFn: api.counters }).data;
  const session = useQuery({ queryKey: keys.session, queryFn: api.session, staleTime: Infinity }).data;
  const theme = useTheme();
  const troubles = useTroubles();
  const view = route.name === "list" ? route.view : undefined;
  const inDelivery = counters
    ? counters.queued + counters.sending + counters.retrying + counters.unknown + counters.held + counters.dead
    : undefined;
  const attention = counters ? counters.unknown + counters.held + counters.dead : undefined;
  return (
    <nav className="nav" aria-label={text.nav.label}>
      <div className="nav-brand">
        <img src="/icon.svg" alt="" />
        <span>{text.product}</span>
      </div>
      <div className="nav-heading">{text.nav.work}</div>
      <NavLink id="needsAnswer" icon="inbox" name={text.nav.needsAnswer} to={{ name: "list", view: "needsAnswer" }} current={view === "needsAnswer"} count={counters?.needsAnswer} tone="accent" />
      <NavLink id="inDelivery" icon="send" name={text.nav.inDelivery} to={{ name: "list", view: "inDelivery" }} current={view === "inDelivery"} count={inDelivery} />
      <NavLink id="all" icon="list" name={text.nav.all} to={{ name: "list", view: "all" }} current={view === "all"} />
      <div className="nav-heading">{text.nav.exchange}</div>
      <NavLink id="queue" icon="queue" name={text.nav.queue} to={{ name: "queue", operation: undefined }} current={route.name === "queue"} count={attention} tone="critical" />
      <NavLink id="quarantine" icon="shield" name={text.nav.quarantine} to={{ name: "quarantine", id: undefined }} current={route.name === "quarantine"} count={counters?.quarantine} tone="critical" />
      <NavLink id="partners" icon="people" name={text.nav.partners} to={{ name: "partners" }} current={route.name === "partners"} />
      <NavLink id="health" icon="pulse" name={text.nav.health} to={{ name: "health" }} current={route.name === "health"} count={troubles.length} tone="critical" />
      <div className="nav-foot">
        <button type="button" className="nav-link" onClick={onPalette} title={text.nav.palette}>
          <Icon name="command" />
          <span className="nav-text grow">{text.nav.palette}</span>
          <kbd className="nav-text">Ctrl+K</kbd>
        </button>
        <button type="button" className="nav-link" onClick={onKeys} title={text.nav.keys}>
          <Icon name="keyboard" />
          <span className="nav-text grow">{text.nav.keys}</span>
          <kbd className="nav-text">?</kbd>
        </button>
        <button type="button" className="nav-link" onClick={() => cycleTheme(theme)} title={text.theme[theme]} data-testid="theme">
          <Icon name={themeIcon[theme]} />
          <span className="nav-text grow">{text.theme[theme]}</span>
        </button>
        {session ? (
          <div className="nav-session clip" title={`${session.user} · ${session.company} · ${session.version}`}>
            {session.user} · {session.company}
            <br />
            {text.product} {session.version}
          </div>
        ) : null}
      </div>
    </nav>
  );
}
