import { go, type Route } from "../../app/router";
import { Bar, Button } from "../../components/controls";
import { text } from "../../texts/en";
import { usePartnerNames } from "../partners/names";
import { titleOf, useTroubles } from "./troubles";

/** On every screen for as long as something needs a person. It cannot be sent away: it goes when that is over. */
export function HealthBanner({ route }: { route: Route }) {
  const troubles = useTroubles();
  const partners = usePartnerNames();
  const [first] = troubles;
  if (!first || route.name === "health") return null;
  return (
    <Bar
      tone={first.entry.severity === "error" ? "error" : "warning"}
      testId="banner-health"
      actions={
        <Button small onPress={() => go({ name: "health" })} hint="g h" data-testid="banner-health-show">
          {text.health.show}
        </Button>
      }
    >
      {text.health.banner(troubles.length, titleOf(first, partners.name))}
    </Bar>
  );
}
