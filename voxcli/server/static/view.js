/** The transcript as it stands on the page: finals, which are announced, and the interim behind them, which is not. */

import { clock } from "./transcript.js";

const NEAR_THE_END_PX = 160;

export class View {
  #finals;
  #interim;
  #empty;
  #paragraphs = new Map();

  constructor({ finals, interim, empty }) {
    this.#finals = finals;
    this.#interim = interim;
    this.#empty = empty;
  }

  /** A final has made an utterance, or made one longer; or it has said nothing. */
  showFinal(utterance, text) {
    this.#following(() => {
      this.#interim.textContent = "";
      this.#interim.classList.remove("stale");
      if (utterance) this.#append(utterance, text);
    });
  }

  showInterim(text) {
    this.#following(() => {
      this.#interim.textContent = text;
      this.#interim.classList.remove("stale");
      if (text) this.#empty.hidden = true;
    });
  }

  /** The interim may be heard anew: it stays, dimmed, until it is. */
  dimInterim() {
    this.#interim.classList.add("stale");
  }

  /** What was shown as an interim, and is taken off. */
  takeInterim() {
    const text = this.#interim.textContent;
    this.#interim.textContent = "";
    return text;
  }

  /** Nothing more is said in the open utterance. */
  endUtterance() {
    for (const [utterance, paragraph] of this.#paragraphs) {
      paragraph.classList.toggle("open", utterance.isOpen);
      if (!utterance.isOpen) this.#paragraphs.delete(utterance);
    }
  }

  showGap(gap) {
    const note = document.createElement("p");
    note.className = "gap";
    note.textContent = `${(gap.end - gap.start).toFixed(1)} seconds were lost here`;
    this.#following(() => this.#finals.append(note));
    this.#empty.hidden = true;
  }

  clear() {
    this.#paragraphs.clear();
    this.#finals.replaceChildren();
    this.takeInterim();
    this.#empty.hidden = false;
  }

  #append(utterance, text) {
    this.#empty.hidden = true;
    const paragraph = this.#paragraphs.get(utterance) ?? this.#newParagraph(utterance);
    paragraph.append(document.createTextNode(paragraph.firstChild ? ` ${text}` : text));
    this.endUtterance();
  }

  #newParagraph(utterance) {
    const paragraph = document.createElement("p");
    paragraph.dataset.at = clock(utterance.start);
    this.#paragraphs.set(utterance, paragraph);
    this.#finals.append(paragraph, " ");
    return paragraph;
  }

  /** Keeps the end in sight, unless somebody has scrolled back to read. */
  #following(change) {
    const page = document.documentElement;
    const isNearEnd = page.scrollHeight - page.clientHeight - page.scrollTop < NEAR_THE_END_PX;
    change();
    if (isNearEnd) page.scrollTop = page.scrollHeight;
  }
}
