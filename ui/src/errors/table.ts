/**
 * One table from an error's code to its severity, what to say, and what to do about it.
 * Codes come from the API's problems and from an operation's last error. Nothing matches on text.
 */

export type Severity = "info" | "warning" | "error";
/** What the screen offers beside the text. */
export type Remedy = "retry" | "reload" | "signIn" | "openPartners" | "openQueue" | "none";

export interface ErrorEntry {
  severity: Severity;
  title: string;
  /** What the person can do. */
  hint: string;
  remedy: Remedy;
}

const entry = (severity: Severity, title: string, hint: string, remedy: Remedy = "none"): ErrorEntry => ({
  severity,
  title,
  hint,
  remedy,
});

/** The hint of what passes by itself; not true any more once an operation is dead or held. */
export const AGAIN = "It is tried again by itself.";

export const errorTable: Record<string, ErrorEntry> = {
  // The way to the engine.
  "engine.unreachable": entry("error", "The engine does not answer", "Nothing that was saved is lost. It is tried again by itself.", "retry"),
  "answer.unreadable": entry("error", "The engine's answer could not be read", "Try again; if it stays, look at the engine's log.", "retry"),
  "screen.failed": entry("error", "This screen failed", "Load it again. What was saved is safe.", "reload"),
  "file.failed": entry("error", "The file could not be saved or opened", "Choose another folder, close the program that has it open, or ask IT.", "none"),
  unauthorized: entry("error", "Access was refused", "Open the address with the token that the engine printed.", "signIn"),
  forbidden: entry("error", "This address is not allowed", "Open the address that the engine printed, exactly as it is.", "signIn"),

  // Requests.
  not_found: entry("warning", "It is not there", "It may have been removed, or the link is old.", "none"),
  method_not_allowed: entry("error", "The engine does not know this request", "The screen and the engine are of different versions: load again.", "reload"),
  "request.invalid": entry("error", "The request is wrong", "Correct what is marked.", "none"),
  "request.too_large": entry("error", "Too much at once", "Shorten the answer.", "none"),
  "request.media_type": entry("error", "The engine does not take this form", "Load the screen again.", "reload"),
  conflict: entry("warning", "Something changed in the meantime", "Look at it again, then repeat what you did.", "retry"),
  "configuration.mistakes": entry("error", "The configuration has mistakes", "Nothing was changed. Correct what is marked, then save again.", "none"),
  "configuration.id": entry("error", "This is another partner's configuration", "Nothing was changed. Give it the id of the partner that it is saved for.", "none"),
  "stream.unknown": entry("error", "There is no such stream", "Choose one that the configuration has.", "none"),
  configuration: entry("error", "The configuration is wrong", "Look at the partner's mistakes.", "openPartners"),
  internal: entry("error", "The engine failed", "Try again; if it stays, look at the engine's log.", "retry"),

  // Answers.
  "answer.superseded": entry("warning", "A new version has arrived", "Look at what changed, then answer the new version.", "none"),
  "answer.pending": entry("warning", "An answer is on its way already", "Wait until it is delivered, or withdraw it first.", "openQueue"),
  "answer.decided": entry("warning", "This version is answered already", "Nothing more is needed.", "none"),
  "answer.incomplete": entry("error", "The answer is not complete", "Fill in what is marked.", "none"),
  "answer.invalid": entry("error", "The answer cannot be taken like this", "Correct what is marked.", "none"),
  "answer.refused": entry("error", "The answer is not allowed now", "Look at the document's state.", "none"),
  "document.invalid": entry("error", "The document cannot be sent like this", "Correct what is marked.", "none"),
  "document.exists": entry("warning", "There is a document of this number already", "Change that one, or choose another number.", "none"),
  "document.refused": entry("error", "That is not possible now", "Look at the document's state.", "none"),
  "operation.unsupported": entry("error", "The partner does not take this kind of answer", "Choose another answer, or tell the partner another way.", "none"),
  "operation.in_flight": entry("warning", "It is being sent right now", "Wait a moment, then look again.", "retry"),
  "operation.state": entry("warning", "This cannot be done in the operation's state", "Look at where it is now.", "retry"),

  // The store.
  "store.disk_full": entry("error", "The disk is full", "Nothing was changed. Free some space, then repeat what you did.", "retry"),
  "store.disk_failed": entry("error", "The disk takes nothing", "Nothing was changed. Ask IT: the disk fails, or may not be written. Then repeat what you did.", "retry"),
  "store.uncertain": entry("error", "The disk failed while it was saved", "Look whether it is there before you do it again, and ask IT.", "reload"),
  "store.busy": entry("warning", "The engine has too much to do", "Nothing was changed. Try again in a moment.", "retry"),
  "store.too_long": entry("warning", "That takes too long to read", "Ask for less: narrow the search or the filter. Or try again when there is less to do.", "retry"),
  "store.closed": entry("error", "The engine is stopping", "Wait until it runs again.", "retry"),
  "store.unusable": entry("error", "The database cannot be used", "Ask IT: the engine's log says why.", "none"),
  "store.failed": entry("error", "The database failed", "Nothing was changed. Try again; if it stays, ask IT.", "retry"),
  "store.corrupt": entry("error", "Stored data does not read back", "Ask IT to run “countersign doctor”.", "none"),

  // The way to the partner: an operation's last error, a partner's state.
  "partner.rejected": entry("error", "The partner refused it", "Read the partner's words, then answer again or send it again.", "none"),
  "partner.conflict": entry("warning", "The partner's state is against it", "Fetch from the partner, look at the document, then answer or send it again.", "none"),
  "partner.forbidden": entry("error", "The partner allows us not to do this", "Ask IT or the partner for the right to do it, then send it again.", "openPartners"),
  "partner.not_found": entry("error", "The partner does not know this address or document", "Ask IT to look at the partner's configuration.", "openPartners"),
  "partner.redirect": entry("error", "The partner sends us to another address", "Ask IT whether that address is right: it is not followed unless the configuration allows it.", "openPartners"),
  "partner.foreign_link": entry("error", "The partner's next page is on another host", "Ask IT to look at the partner's configuration: that host is not asked.", "openPartners"),
  "partner.certificate": entry("error", "The partner's certificate is not trusted", "Ask IT: nothing was sent.", "openPartners"),
  "partner.address": entry("error", "The partner's name leads into a network", "Ask IT: nothing was sent. A partner on the company's network is said so in its configuration.", "openPartners"),
  "partner.broken": entry("warning", "The connection broke while the partner answered", "The partner is asked whether it arrived.", "none"),
  "partner.token": entry("warning", "No access token could be had from the partner", AGAIN, "openPartners"),
  "partner.request": entry("error", "The request cannot be made from this answer", "Ask IT to look at the partner's configuration, then send it again.", "openPartners"),
  "partner.operation": entry("error", "The configuration has no such operation any more", "Ask IT to put it back, then send it again.", "openPartners"),
  "partner.stream": entry("error", "The configuration has no such stream any more", "Ask IT to look at the partner's configuration.", "openPartners"),
  "partner.superseded": entry("warning", "The partner has a newer version", "It is fetched by itself; then answer that one.", "none"),
  "partner.lost": entry("error", "The partner lost it, and something came after it", "It was not sent once more: look at the document, then answer again.", "none"),
  "partner.not_applied": entry("error", "The partner took it and did not apply it", "Read the partner's words, then answer again or send it again.", "none"),
  "partner.page": entry("warning", "A page of the partner could not be read", "It is tried again by itself; if it stays, ask IT.", "openPartners"),
  "partner.configuration": entry("error", "The partner's configuration is wrong", "Ask IT to correct the file; the last good one stays in force.", "openPartners"),
  "partner.unknown": entry("error", "The partner is not configured any more", "Ask IT to put its configuration back; the answer waits.", "openPartners"),
  "partner.busy": entry("info", "The partner is being fetched already", "Wait for the end of that run.", "none"),
  "partner.unsettled": entry("warning", "It may have reached the partner", "Ask the partner whether it has it; then send it again, or withdraw it.", "none"),
  "engine.stopped": entry("info", "The engine stopped while it was on its way", "It is settled by itself.", "none"),
  "limit.body": entry("warning", "The partner's answer was too large", "Ask IT; the partner is asked whether it arrived.", "none"),
  "limit.page": entry("error", "One page of the partner is too large", "Ask IT to ask for fewer items at once in the partner's configuration.", "openPartners"),
  "limit.items": entry("error", "A page of the partner has too many items", "Ask IT to look at the partner's configuration.", "openPartners"),
  "limit.pages": entry("error", "The partner's list has too many pages", "Ask IT to raise the limit in the partner's configuration.", "openPartners"),
  "limit.loop": entry("error", "The partner's pages run in a circle", "Ask IT to look at paging in the partner's configuration.", "openPartners"),
  "quarantine.settled": entry("info", "This payload is settled already", "Nothing more is needed.", "none"),
  "partner.unavailable": entry("warning", "The partner's system is down", AGAIN, "none"),
  "partner.unreachable": entry("warning", "The partner cannot be reached", AGAIN, "none"),
  "partner.rate_limited": entry("info", "The partner asks to go slower", AGAIN, "none"),
  "partner.timeout": entry("warning", "The partner did not answer in time", "The partner is asked whether it arrived.", "none"),
  "partner.credentials": entry("error", "The partner refused our credentials", "Ask IT for new ones; the queue waits.", "openPartners"),
  "partner.clock": entry("warning", "The partner's clock and ours differ", "Ask IT to set this machine's clock; signatures and tokens fail otherwise.", "openPartners"),
  "queue.dead": entry("error", "Answers could not be delivered", "Read each reason in the queue, then send it again or withdraw it.", "openQueue"),
  "care.backup": entry("error", "The backup fails", "Make room on the disk, or ask IT; it is tried again every few minutes.", "none"),
  "care.archive": entry("warning", "Old documents cannot be archived", "Ask IT: nothing is lost, and it is tried again every day.", "none"),
  "partner.paused": entry("info", "The partner is paused", "Resume it under Partners.", "openPartners"),
  "partner.response": entry("warning", "The partner's answer could not be read", AGAIN, "none"),
  "partner.protocol": entry("warning", "The partner's answer could not be read", AGAIN, "none"),
  "partner.partly": entry("error", "The partner took some lines and refused others", "Read which lines and why, then answer again.", "none"),
  "partner.failed": entry("error", "The partner could not apply it", "Read the partner's words, then send it again.", "none"),
};

const fallback = (code: string): ErrorEntry =>
  entry("error", "Something went wrong", `Try again; if it stays, tell IT the code “${code}”.`, "retry");

/** What happened and what to do, as sentences: words of the engine or of the system may end without their full stop. */
export function told(message: string, { hint }: ErrorEntry): string {
  return message === "" ? hint : `${message.replace(/([^.!?])$/, "$1.")} ${hint}`;
}

export function classify(code: string): ErrorEntry {
  return errorTable[code] ?? fallback(code);
}
