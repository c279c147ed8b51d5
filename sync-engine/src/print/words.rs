//! The words of the printed page, by language; English for a language that is not here.

use crate::domain::LineAnswerCode;
use crate::domain::answer::{ReasonCode, RejectAction, RejectReason};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    En,
    De,
    Fr,
    Es,
    It,
    Pl,
    Cs,
    Sv,
}

impl Language {
    /// From a BCP 47 tag; English for what is not here.
    pub fn of(tag: Option<&str>) -> Self {
        let primary = tag
            .unwrap_or("en")
            .split(['-', '_'])
            .next()
            .unwrap_or("en")
            .to_ascii_lowercase();
        match primary.as_str() {
            "de" => Self::De,
            "fr" => Self::Fr,
            "es" => Self::Es,
            "it" => Self::It,
            "pl" => Self::Pl,
            "cs" => Self::Cs,
            "sv" => Self::Sv,
            _ => Self::En,
        }
    }

    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::It => "it",
            Self::Pl => "pl",
            Self::Cs => "cs",
            Self::Sv => "sv",
        }
    }

    pub fn word(self, word: Word) -> &'static str {
        self.pick(row(word))
    }

    pub fn pick(self, [en, de, fr, es, it, pl, cs, sv]: Row) -> &'static str {
        match self {
            Self::En => en,
            Self::De => de,
            Self::Fr => fr,
            Self::Es => es,
            Self::It => it,
            Self::Pl => pl,
            Self::Cs => cs,
            Self::Sv => sv,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    PurchaseOrder,
    OrderAcknowledgement,
    OrderConfirmation,
    OrderConfirmationWithChanges,
    OrderRejection,
    OrderCancellation,
    CancellationConfirmed,
    CancellationRejected,
    DeliveryNote,
    GoodsReceipt,
    Version,
    Revision,
    Issued,
    Delivery,
    Terms,
    Payment,
    Buyer,
    Seller,
    ShipTo,
    BillTo,
    Position,
    ItemNumber,
    Description,
    Quantity,
    Unit,
    Price,
    Amount,
    Net,
    Tax,
    Gross,
    Notes,
    Reason,
    ChangesAgainst,
    Added,
    Deleted,
    More,
    Page,
    Accepted,
    Changed,
    Substituted,
    Backordered,
    Rejected,
    AddedBySeller,
    AlreadyDelivered,
    Held,
    Order,
    Delivered,
    Outstanding,
    Received,
    Short,
    Batch,
    Carrier,
    Tracking,
    Despatched,
    ReceivedOn,
    TaxId,
    Instead,
    Line,
    Replace,
    Credit,
    SameNumber,
    Currency,
    Offer,
    Cancelled,
    References,
}

type Row = [&'static str; 8];

#[rustfmt::skip]
fn row(word: Word) -> Row {
    match word {
        Word::PurchaseOrder => ["Purchase order", "Bestellung", "Commande", "Pedido", "Ordine d'acquisto", "Zamówienie", "Objednávka", "Inköpsorder"],
        Word::OrderAcknowledgement => ["Order acknowledgement", "Eingangsbestätigung", "Accusé de réception de commande", "Acuse de recibo del pedido", "Conferma di ricezione dell'ordine", "Potwierdzenie otrzymania zamówienia", "Potvrzení přijetí objednávky", "Mottagningsbekräftelse"],
        Word::OrderConfirmation => ["Order confirmation", "Auftragsbestätigung", "Confirmation de commande", "Confirmación de pedido", "Conferma d'ordine", "Potwierdzenie zamówienia", "Potvrzení objednávky", "Orderbekräftelse"],
        Word::OrderConfirmationWithChanges => ["Order confirmation with changes", "Auftragsbestätigung mit Änderungen", "Confirmation de commande avec modifications", "Confirmación de pedido con cambios", "Conferma d'ordine con modifiche", "Potwierdzenie zamówienia ze zmianami", "Potvrzení objednávky se změnami", "Orderbekräftelse med ändringar"],
        Word::OrderRejection => ["Order rejection", "Ablehnung der Bestellung", "Refus de commande", "Rechazo del pedido", "Rifiuto dell'ordine", "Odrzucenie zamówienia", "Odmítnutí objednávky", "Avvisad order"],
        Word::CancellationConfirmed => ["Order cancellation confirmed", "Stornierung bestätigt", "Annulation confirmée", "Anulación confirmada", "Annullamento confermato", "Anulowanie potwierdzone", "Zrušení potvrzeno", "Annullering bekräftad"],
        Word::CancellationRejected => ["Order cancellation rejected", "Stornierung abgelehnt", "Annulation refusée", "Anulación rechazada", "Annullamento rifiutato", "Anulowanie odrzucone", "Zrušení odmítnuto", "Annullering avvisad"],
        Word::OrderCancellation => ["Order cancellation", "Stornierung der Bestellung", "Annulation de commande", "Anulación del pedido", "Annullamento dell'ordine", "Anulowanie zamówienia", "Zrušení objednávky", "Annullering av order"],
        Word::DeliveryNote => ["Delivery note", "Lieferschein", "Bon de livraison", "Albarán de entrega", "Documento di trasporto", "Dokument dostawy", "Dodací list", "Följesedel"],
        Word::GoodsReceipt => ["Goods receipt", "Wareneingang", "Réception de marchandises", "Recepción de mercancías", "Ricevimento merci", "Przyjęcie towaru", "Příjem zboží", "Inleverans"],
        Word::Version => ["Version", "Version", "Version", "Versión", "Versione", "Wersja", "Verze", "Version"],
        Word::Revision => ["Revision", "Revision", "Révision", "Revisión", "Revisione", "Rewizja", "Revize", "Revision"],
        Word::Issued => ["Issued", "Ausgestellt", "Émise le", "Emitido", "Emesso", "Wystawiono", "Vystaveno", "Utfärdad"],
        Word::Delivery => ["Delivery", "Lieferung", "Livraison", "Entrega", "Consegna", "Dostawa", "Dodání", "Leverans"],
        Word::Terms => ["Delivery terms", "Lieferbedingung", "Incoterm", "Condiciones de entrega", "Resa", "Warunki dostawy", "Dodací podmínky", "Leveransvillkor"],
        Word::Payment => ["Payment", "Zahlung", "Paiement", "Pago", "Pagamento", "Płatność", "Platba", "Betalning"],
        Word::Buyer => ["Buyer", "Käufer", "Acheteur", "Comprador", "Acquirente", "Kupujący", "Kupující", "Köpare"],
        Word::Seller => ["Seller", "Verkäufer", "Vendeur", "Vendedor", "Venditore", "Sprzedawca", "Prodávající", "Säljare"],
        Word::ShipTo => ["Ship to", "Lieferanschrift", "Adresse de livraison", "Dirección de entrega", "Luogo di consegna", "Adres dostawy", "Místo dodání", "Leveransadress"],
        Word::BillTo => ["Bill to", "Rechnungsanschrift", "Adresse de facturation", "Dirección de facturación", "Indirizzo di fatturazione", "Adres faktury", "Fakturační adresa", "Fakturaadress"],
        Word::Position => ["#", "Pos.", "Pos.", "Pos.", "Pos.", "Poz.", "Poz.", "Pos."],
        Word::ItemNumber => ["Item", "Artikel", "Article", "Artículo", "Articolo", "Artykuł", "Položka", "Artikel"],
        Word::Description => ["Description", "Bezeichnung", "Désignation", "Descripción", "Descrizione", "Opis", "Popis", "Benämning"],
        Word::Quantity => ["Quantity", "Menge", "Quantité", "Cantidad", "Quantità", "Ilość", "Množství", "Antal"],
        Word::Unit => ["Unit", "Einh.", "Unité", "Unidad", "U.M.", "J.m.", "MJ", "Enhet"],
        Word::Price => ["Price", "Preis", "Prix", "Precio", "Prezzo", "Cena", "Cena", "Pris"],
        Word::Amount => ["Amount", "Betrag", "Montant", "Importe", "Importo", "Kwota", "Částka", "Belopp"],
        Word::Net => ["Net total", "Summe netto", "Total HT", "Total neto", "Totale netto", "Razem netto", "Celkem bez DPH", "Netto"],
        Word::Tax => ["Tax", "Steuer", "TVA", "Impuestos", "IVA", "Podatek", "DPH", "Moms"],
        Word::Gross => ["Total", "Gesamtsumme", "Total TTC", "Total", "Totale", "Razem brutto", "Celkem", "Totalt"],
        Word::Notes => ["Notes", "Bemerkungen", "Remarques", "Observaciones", "Note", "Uwagi", "Poznámky", "Anmärkningar"],
        Word::Reason => ["Reason", "Grund", "Motif", "Motivo", "Motivo", "Powód", "Důvod", "Orsak"],
        Word::ChangesAgainst => ["Changes against version", "Änderungen gegenüber Version", "Modifications par rapport à la version", "Cambios respecto a la versión", "Modifiche rispetto alla versione", "Zmiany względem wersji", "Změny oproti verzi", "Ändringar mot version"],
        Word::Added => ["added", "hinzugefügt", "ajoutée", "añadida", "aggiunta", "dodana", "přidána", "tillagd"],
        Word::Deleted => ["deleted", "entfallen", "supprimée", "eliminada", "eliminata", "usunięta", "odstraněna", "borttagen"],
        Word::More => ["more", "weitere", "de plus", "más", "altre", "więcej", "dalších", "till"],
        Word::Page => ["Page", "Seite", "Page", "Página", "Pagina", "Strona", "Strana", "Sida"],
        Word::Accepted => ["Accepted", "Bestätigt", "Acceptée", "Aceptada", "Accettata", "Przyjęta", "Přijato", "Godkänd"],
        Word::Changed => ["Changed", "Geändert", "Modifiée", "Modificada", "Modificata", "Zmieniona", "Změněno", "Ändrad"],
        Word::Substituted => ["Substituted", "Ersatzartikel", "Article de remplacement", "Sustituida", "Sostituita", "Zamiennik", "Náhrada", "Ersatt"],
        Word::Backordered => ["Backordered", "Im Rückstand", "En reliquat", "Pendiente de entrega", "Inevasa", "Zaległa", "V prodlení", "Restnoterad"],
        Word::Rejected => ["Rejected", "Abgelehnt", "Refusée", "Rechazada", "Rifiutata", "Odrzucona", "Odmítnuto", "Avvisad"],
        Word::AddedBySeller => ["Added by the seller", "Vom Verkäufer ergänzt", "Ajoutée par le vendeur", "Añadida por el vendedor", "Aggiunta dal venditore", "Dodana przez sprzedawcę", "Přidáno prodávajícím", "Tillagd av säljaren"],
        Word::AlreadyDelivered => ["Already delivered", "Bereits geliefert", "Déjà livrée", "Ya entregada", "Già consegnata", "Już dostarczona", "Již dodáno", "Redan levererad"],
        Word::Held => ["On hold", "In Klärung", "En attente", "En espera", "In sospeso", "Wstrzymana", "Pozastaveno", "Vilande"],
        Word::Order => ["Order", "Bestellung", "Commande", "Pedido", "Ordine", "Zamówienie", "Objednávka", "Order"],
        Word::Delivered => ["Delivered", "Geliefert", "Livré", "Entregado", "Consegnato", "Dostarczono", "Dodáno", "Levererat"],
        Word::Outstanding => ["To follow", "Folgt", "À suivre", "Pendiente", "Da consegnare", "Do dostawy", "Zbývá", "Återstår"],
        Word::Received => ["Received", "Erhalten", "Reçu", "Recibido", "Ricevuto", "Otrzymano", "Přijato", "Mottaget"],
        Word::Short => ["Short", "Fehlmenge", "Manquant", "Faltante", "Mancante", "Brak", "Chybí", "Saknas"],
        Word::Batch => ["Batch", "Charge", "Lot", "Lote", "Lotto", "Partia", "Šarže", "Batch"],
        Word::Carrier => ["Carrier", "Spediteur", "Transporteur", "Transportista", "Vettore", "Przewoźnik", "Dopravce", "Speditör"],
        Word::Tracking => ["Tracking", "Sendungsnummer", "Suivi", "Seguimiento", "Tracciamento", "Nr przesyłki", "Sledování", "Spårning"],
        Word::Despatched => ["Despatched", "Versandt", "Expédié le", "Expedido", "Spedito", "Wysłano", "Odesláno", "Avsänt"],
        Word::ReceivedOn => ["Received on", "Eingang am", "Reçu le", "Recibido el", "Ricevuto il", "Data przyjęcia", "Přijato dne", "Mottaget den"],
        Word::TaxId => ["Tax no.", "USt-IdNr.", "N° TVA", "NIF", "P. IVA", "NIP", "DIČ", "Momsnr"],
        Word::Instead => ["in place of", "anstelle von", "au lieu de", "en lugar de", "al posto di", "zamiast", "místo", "i stället för"],
        Word::Line => ["Line", "Position", "Ligne", "Línea", "Riga", "Pozycja", "Řádek", "Rad"],
        Word::Replace => ["please replace", "bitte ersetzen", "à remplacer", "sustituir", "da sostituire", "prosimy o wymianę", "prosíme vyměnit", "ersätt"],
        Word::Credit => ["please credit", "bitte gutschreiben", "à créditer", "abonar", "da accreditare", "prosimy o korektę", "prosíme dobropisovat", "kreditera"],
        Word::Currency => ["Currency", "Währung", "Devise", "Moneda", "Valuta", "Waluta", "Měna", "Valuta"],
        Word::Offer => ["offer", "Angebot", "offre", "oferta", "offerta", "oferta", "nabídka", "offert"],
        Word::Cancelled => ["Cancelled", "Storniert", "Annulé", "Anulado", "Annullato", "Anulowano", "Zrušeno", "Annullerad"],
        Word::References => ["References", "Referenzen", "Références", "Referencias", "Riferimenti", "Odniesienia", "Odkazy", "Referenser"],
        Word::SameNumber => ["Your item", "Ihr Artikel", "Votre réf.", "Su ref.", "Vs. codice", "Państwa nr", "Vaše č.", "Ert art.nr"],
    }
}

pub(super) fn line_answer(code: LineAnswerCode) -> Word {
    match code {
        LineAnswerCode::Accepted => Word::Accepted,
        LineAnswerCode::Changed => Word::Changed,
        LineAnswerCode::Substituted => Word::Substituted,
        LineAnswerCode::Backordered => Word::Backordered,
        LineAnswerCode::Rejected => Word::Rejected,
        LineAnswerCode::Added => Word::AddedBySeller,
        LineAnswerCode::AlreadyDelivered => Word::AlreadyDelivered,
        LineAnswerCode::Held => Word::Held,
    }
}

/// OPStatusReason in words.
#[rustfmt::skip]
pub(super) fn reason(code: ReasonCode, language: Language) -> &'static str {
    language.pick(match code {
        ReasonCode::Ref => ["References incorrect", "Referenzen falsch", "Références incorrectes", "Referencias incorrectas", "Riferimenti errati", "Błędne odniesienia", "Nesprávné odkazy", "Felaktiga referenser"],
        ReasonCode::Leg => ["Legal information incorrect", "Rechtliche Angaben falsch", "Informations légales incorrectes", "Información legal incorrecta", "Dati legali errati", "Błędne dane prawne", "Nesprávné právní údaje", "Felaktiga juridiska uppgifter"],
        ReasonCode::Rec => ["Receiver unknown", "Falscher Empfänger", "Destinataire inconnu", "Destinatario desconocido", "Destinatario sconosciuto", "Nieznany odbiorca", "Neznámý příjemce", "Okänd mottagare"],
        ReasonCode::Qua => ["Item quality insufficient", "Qualität unzureichend", "Qualité insuffisante", "Calidad insuficiente", "Qualità insufficiente", "Niewystarczająca jakość", "Nedostatečná kvalita", "Otillräcklig kvalitet"],
        ReasonCode::Del => ["Delivery issues", "Lieferung nicht möglich", "Livraison impossible", "Problemas de entrega", "Problemi di consegna", "Problemy z dostawą", "Problémy s dodáním", "Leveransproblem"],
        ReasonCode::Pri => ["Prices incorrect", "Preise falsch", "Prix incorrects", "Precios incorrectos", "Prezzi errati", "Błędne ceny", "Nesprávné ceny", "Felaktiga priser"],
        ReasonCode::Qty => ["Quantity incorrect", "Menge falsch", "Quantité incorrecte", "Cantidad incorrecta", "Quantità errata", "Błędna ilość", "Nesprávné množství", "Felaktigt antal"],
        ReasonCode::Itm => ["Items incorrect", "Artikel falsch", "Articles incorrects", "Artículos incorrectos", "Articoli errati", "Błędne artykuły", "Nesprávné položky", "Felaktiga artiklar"],
        ReasonCode::Pay => ["Payment terms incorrect", "Zahlungsbedingungen falsch", "Conditions de paiement incorrectes", "Condiciones de pago incorrectas", "Condizioni di pagamento errate", "Błędne warunki płatności", "Nesprávné platební podmínky", "Felaktiga betalningsvillkor"],
        ReasonCode::Unr => ["Not recognised", "Nicht erkannt", "Non reconnu", "No reconocido", "Non riconosciuto", "Nie rozpoznano", "Nerozpoznáno", "Okänd"],
        ReasonCode::Fin => ["Finance incorrect", "Finanzangaben falsch", "Données financières incorrectes", "Datos financieros incorrectos", "Dati finanziari errati", "Błędne dane finansowe", "Nesprávné finanční údaje", "Felaktiga finansuppgifter"],
        ReasonCode::Oth => ["Other", "Sonstiges", "Autre", "Otro", "Altro", "Inne", "Jiné", "Annat"],
    })
}

#[rustfmt::skip]
pub(super) fn reject_reason(reason: RejectReason, language: Language) -> &'static str {
    language.pick(match reason {
        RejectReason::Broken => ["broken", "beschädigt", "endommagé", "dañado", "danneggiato", "uszkodzone", "poškozeno", "skadat"],
        RejectReason::Quality => ["quality", "Qualität", "qualité", "calidad", "qualità", "jakość", "kvalita", "kvalitet"],
        RejectReason::WrongItem => ["wrong item", "falscher Artikel", "mauvais article", "artículo equivocado", "articolo errato", "niewłaściwy artykuł", "nesprávná položka", "fel artikel"],
        RejectReason::WrongVersion => ["wrong version", "falsche Ausführung", "mauvaise version", "versión equivocada", "versione errata", "niewłaściwa wersja", "nesprávné provedení", "fel utförande"],
        RejectReason::Label => ["label", "Etikett", "étiquette", "etiqueta", "etichetta", "etykieta", "štítek", "etikett"],
        RejectReason::Price => ["price", "Preis", "prix", "precio", "prezzo", "cena", "cena", "pris"],
        RejectReason::Packaging => ["packaging", "Verpackung", "emballage", "embalaje", "imballaggio", "opakowanie", "obal", "förpackning"],
        RejectReason::PackagingAndDamage => ["packaging and damage", "Verpackung und Schaden", "emballage et dommage", "embalaje y daños", "imballaggio e danni", "opakowanie i uszkodzenie", "obal a poškození", "förpackning och skada"],
        RejectReason::Other => ["other", "Sonstiges", "autre", "otro", "altro", "inne", "jiné", "annat"],
    })
}

pub(super) fn reject_action(action: RejectAction) -> Word {
    match action {
        RejectAction::Replace => Word::Replace,
        RejectAction::CreditAndCancel => Word::Credit,
    }
}
