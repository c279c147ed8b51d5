import type { ReactNode } from "react";
import type { DespatchAdvice, Order, Party } from "../../api/types";
import { Clip } from "../../components/controls";
import { formatDay, formatMoment, formatRange } from "../../texts/format";
import { text } from "../../texts/en";

/** Lines of an address; what is not there leaves no gap. */
export function partyLines(party: Party): string[] {
  const place = [party.postalCode, party.city].filter(Boolean).join(" ");
  const last = [place, party.country].filter(Boolean).join(", ");
  return [...(party.street ?? []), last].filter((line) => line !== "");
}

function PartyBlock({ title, party }: { title: string; party: Party | null | undefined }) {
  if (!party) return null;
  const ids = [party.id, party.gln ? `GLN ${party.gln}` : undefined, party.taxId].filter(Boolean).join(" · ");
  const address = partyLines(party).join(", ");
  const contact = [party.contact, party.email, party.phone].filter(Boolean).join(" · ");
  return (
    <section className="info-block">
      <h2 className="caption soft">{title}</h2>
      <Clip text={party.name ?? party.id ?? text.unknownParty} className="strong" />
      {address ? (
        <span className="two-lines" title={address}>
          {address}
        </span>
      ) : null}
      {ids ? <Clip text={ids} className="caption soft" /> : null}
      {contact ? <Clip text={contact} className="caption soft" /> : null}
    </section>
  );
}

function Terms({ rows }: { rows: [string, ReactNode][] }) {
  const there = rows.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return (
    <section className="info-block">
      <h2 className="caption soft">{text.document.terms}</h2>
      <dl className="terms">
        {there.map(([name, value]) => (
          <div key={name}>
            <dt className="soft">{name}</dt>
            <dd className="clip" title={typeof value === "string" ? value : undefined}>
              {value}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Notes({ notes, references, cancelReason }: { notes: string[]; references: string; cancelReason: string | null | undefined }) {
  if (notes.length === 0 && references === "" && !cancelReason) return null;
  return (
    <div className="info-notes caption">
      {cancelReason ? (
        <p className="late">
          {text.document.cancelReason}: {cancelReason}
        </p>
      ) : null}
      {references ? <Clip text={`${text.document.references}: ${references}`} className="soft" /> : null}
      {notes.map((note, at) => (
        <Clip key={at} text={note} />
      ))}
    </div>
  );
}

export function OrderInfo({ order }: { order: Order }) {
  return (
    <>
      <div className="info">
        <PartyBlock title={text.document.buyer} party={order.buyer} />
        <PartyBlock title={text.document.seller} party={order.seller} />
        <PartyBlock title={text.document.shipTo} party={order.shipTo} />
        <PartyBlock title={text.document.billTo} party={order.billTo} />
        <Terms
          rows={[
            [text.document.requested, formatRange(order.requestedDelivery)],
            [text.document.deliveryTerms, order.deliveryTerms],
            [text.document.payment, order.paymentTerms],
            [text.document.issued, formatMoment(order.issuedAt)],
          ]}
        />
      </div>
      <Notes
        notes={order.notes ?? []}
        references={(order.references ?? []).map((ref) => `${ref.kind} ${ref.id}`).join(", ")}
        cancelReason={order.cancelReason}
      />
    </>
  );
}

export function DespatchInfo({ note }: { note: DespatchAdvice }) {
  return (
    <>
      <div className="info">
        <PartyBlock title={text.document.seller} party={note.seller} />
        <PartyBlock title={text.document.buyer} party={note.buyer} />
        <PartyBlock title={text.document.shipTo} party={note.shipTo} />
        <Terms
          rows={[
            [text.document.expected, formatRange(note.expectedDelivery)],
            [text.document.despatched, formatDay(note.despatchedOn)],
            [text.document.carrier, note.carrier],
            [text.document.tracking, note.trackingId],
          ]}
        />
      </div>
      <Notes notes={note.notes ?? []} references="" cancelReason={note.cancelReason} />
    </>
  );
}
