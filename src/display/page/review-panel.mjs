// What a notebook shows of the review panel: a module for anywidget, which hands `render` a model and an element.
// The kernel's side is src/display/review-panel.ts.
import { element, picture } from "./elements.mjs";
import { focusNew, keyListener, takeFocus } from "./keyboard.mjs";
import { layout } from "./layout.mjs";
import { connect } from "./link.mjs";
import { count, named, sentence } from "./words.mjs";
import { showZoomed } from "./zoom.mjs";

/**
 * @typedef {import("./messages.mjs").Item} Item
 * @typedef {import("./messages.mjs").Model} Model
 * @typedef {import("./messages.mjs").Message} Message
 * @typedef {import("./messages.mjs").ItemMessage} ItemMessage
 * @typedef {import("./messages.mjs").ImageMessage} ImageMessage
 * @typedef {import("./messages.mjs").ChangedMessage} ChangedMessage
 */

/** @param {{ model: Model, el: HTMLElement }} widget */
function render({ model, el }) {
	/** @type {string[]} */
	const classNames = model.get("classNames");
	/** @type {number} */
	const total = model.get("total");
	/** @type {Map<number, { item: Item, picture: HTMLElement }>} */
	const items = new Map();
	/** Those that were asked for. @type {Set<number>} */
	const asked = new Set();
	/** Notes that wait for a decision. @type {Map<number, string>} */
	const notes = new Map();
	let index = Math.min(model.get("index"), total);
	let decided = model.get("decided");
	/** Whether a decision is on its way: what is pressed meanwhile was meant for an image that will be gone. */
	let isPending = false;

	const { view, ask, isLive, close } = connect(
		{ model, el },
		{
			...{ receive, fail },
			progressed() {
				decided = model.get("decided");
				drawProgress();
			},
			showEnded: (hasEnded) => ui.root.toggleAttribute("data-ended", hasEnded),
		},
	);
	const ui = layout(
		classNames,
		{ total, view },
		{
			...{ zoom, takeSuggestion, keepLabel, decide, go, openNote, closeNote, fail },
			takeFocus: () => takeFocus(ui.root),
			back: () => go(index - 1),
			skip: () => go(index + 1),
			undo: () => change({ ask: "undo" }),
		},
	);
	ui.root.addEventListener("keydown", keyListener(el, ui.dialog, actionOf));
	el.append(ui.root);
	go(index);
	focusNew(model, () => takeFocus(ui.root));
	return close;

	/**
	 * @param {string} key
	 * @returns {(() => void) | undefined}
	 */
	function actionOf(key) {
		const name = /^[1-9]$/.test(key) ? classNames[Number(key) - 1] : undefined;
		if (name !== undefined) return () => decide(name);
		switch (key) {
			case "Enter":
				return takeSuggestion;
			case "k":
				return keepLabel;
			case "x":
				return () => decide(null);
			case "u":
				return () => change({ ask: "undo" });
			case "z":
				return zoom;
			case "n":
				return openNote;
			case "c":
				return ui.search ? () => ui.search?.input.focus() : undefined;
			case "ArrowRight":
			case " ":
				return () => go(index + 1);
			case "ArrowLeft":
				return () => go(index - 1);
			default:
				return undefined;
		}
	}

	/** Shows an item, or the end. @param {number} wanted */
	function go(wanted) {
		if (wanted < 0 || wanted > total || isPending) return;
		closeNote(false, false);
		index = wanted;
		model.set("index", index);
		model.save_changes();
		draw();
	}

	/** Shows the current item as far as it is known. */
	function draw() {
		const known = items.get(index);
		const isEnd = index === total;
		ui.root.dataset.index = String(index);
		ui.root.toggleAttribute("data-waits", !known && !isEnd);
		ui.main.hidden = isEnd;
		ui.ended.hidden = !isEnd;
		ui.near.hidden = isEnd || known?.item.neighbours.length === 0;
		drawProgress();
		if (isEnd) return drawEnd();
		if (known) drawItem(known.item, known.picture);
		else request(index);
	}

	function drawProgress() {
		const position = index < total ? `${count(index + 1)} of ${count(total)}` : `${count(total)} images`;
		ui.progress.textContent = `${position}, ${count(decided)} decided`;
		ui.bar.value = decided;
	}

	function drawEnd() {
		const left = total - decided;
		ui.end.textContent =
			total === 0
				? "There is nothing to review."
				: left === 0
					? `All ${count(total)} are decided.`
					: `This is the end. ${count(left)} of ${count(total)} ${left === 1 ? "is" : "are"} undecided.`;
		ui.first.hidden = true;
		say(ui.end.textContent);
		// Its answer says which image is the first that is undecided.
		if (left > 0) ask({ ask: "item", index: 0 });
	}

	/**
	 * @param {Item} item
	 * @param {HTMLElement} shown
	 */
	function drawItem(item, shown) {
		const { label, suggested, kind, score, why, decision, neighbours, ahead } = item;
		ui.frame.replaceChildren(shown);
		if ("url" in item.image) ui.frame.setAttribute("aria-label", `Zoom: ${item.path}`);
		else ui.frame.removeAttribute("aria-label");
		const size = "reason" in item.image ? "" : `${item.image.width} × ${item.image.height}`;
		ui.path.replaceChildren(element("span", "", [item.path]), element("span", "", [size]));
		ui.now.textContent = label ?? "—";
		ui.suggested.textContent = suggested ?? "—";
		ui.why.replaceChildren(element("strong", "", [kind]), ` ${score.toFixed(3)} — ${why}`);
		ui.decision.textContent = decision ? sentence(decision, label) : "";
		ui.take.say(suggested === null ? "No suggestion" : suggested === label ? `Keep ${label}` : `Take ${suggested}`);
		ui.take.setAttribute("aria-disabled", String(suggested === null));
		ui.keep.say(label === null ? "Nothing to keep" : `Keep ${label}`);
		ui.keep.setAttribute("aria-disabled", String(label === null));
		ui.keep.setAttribute("aria-pressed", String(decision !== null && label !== null && decision.to === label));
		ui.exclude.setAttribute("aria-pressed", String(decision !== null && decision.to === null));
		ui.back.setAttribute("aria-disabled", String(index === 0));
		ui.classes.forEach((made, i) => {
			made.setAttribute("aria-pressed", String(decision !== null && decision.to === classNames[i]));
			made.classList.toggle("icn-review-now", classNames[i] === label);
			made.classList.toggle("icn-review-suggested", classNames[i] === suggested);
		});
		ui.noted.classList.toggle("icn-review-marked", notes.has(index));
		ui.neighbours.replaceChildren(
			...neighbours.map(({ path, label: its, image }) => {
				const same = element("span", its === label ? "" : "icn-review-other", [its]);
				return element("li", "", [picture(image, ""), same], { title: path });
			}),
		);
		const hint = suggested === null || suggested === label ? "" : `, suggested ${suggested}`;
		say(
			`${count(index + 1)} of ${count(total)}: ${label ?? "no class yet"}${hint}. ${kind}. ${decision ? sentence(decision, label) : ""}`,
		);
		// Only those at hand stay in memory.
		const near = new Set([index - 1, index, index + 1, ...ahead]);
		for (const known of items.keys()) if (!near.has(known)) items.delete(known);
		for (const next of [...ahead, index + 1]) if (next < total && !items.has(next)) request(next);
	}

	/** Asks for an item, once. @param {number} wanted */
	function request(wanted) {
		if (asked.has(wanted)) return;
		asked.add(wanted);
		ask({ ask: "item", index: wanted });
	}

	/** @param {Message} message @param {boolean} isOwn */
	function receive(message, isOwn) {
		if (message.type === "changed") return onChanged(message, isOwn);
		if (message.type === "item") onItem(message);
		if (message.type === "image" && message.index === index) onImage(message);
		if (message.type === "failed") {
			isPending = false;
			asked.delete(message.index);
			ui.root.removeAttribute("data-decides");
			fail(message.reason);
		}
	}

	/** @param {ItemMessage} item */
	function onItem(item) {
		asked.delete(item.index);
		if (index === total) return offerFirst(item);
		items.set(item.index, {
			item,
			picture: picture(item.image, item.label === null ? "image without a class" : `image of class ${item.label}`),
		});
		if (item.index === index) draw();
	}

	/** At the end, offers the first image that is undecided. @param {Item} item the first of all */
	function offerFirst(item) {
		const first = item.decision === null ? item.index : item.ahead[0];
		ui.first.hidden = first === undefined;
		ui.first.dataset.index = String(first);
	}

	/** @param {ChangedMessage} message @param {boolean} isOwn */
	function onChanged(message, isOwn) {
		for (const { item } of items.values()) if (item.path === message.path) item.decision = message.decision;
		decided = message.decided;
		if (!isOwn) return draw();
		isPending = false;
		ui.root.removeAttribute("data-decides");
		notes.delete(message.index);
		go(message.following);
		const what = message.decision ? `Decided: ${named(message.decision)}. ` : "Taken back. ";
		say(`${what}${ui.status.textContent}`);
	}

	/** @param {{ ask: "decide", to: string | null, note?: string } | { ask: "undo" }} content */
	function change(content) {
		if (isPending || !isLive() || (index === total && content.ask === "decide")) return;
		// What cannot be seen yet is not decided on.
		if (index < total && !items.has(index)) return;
		isPending = true;
		ui.root.setAttribute("data-decides", "");
		ask({ index, ...content });
	}

	/** @param {string | null} to */
	function decide(to) {
		change({ ask: "decide", to, note: notes.get(index) ?? items.get(index)?.item.decision?.note });
	}

	function takeSuggestion() {
		const suggested = items.get(index)?.item.suggested ?? null;
		if (suggested === null) say("There is no suggestion for this image.");
		else decide(suggested);
	}

	function keepLabel() {
		const known = items.get(index);
		if (known?.item.label === null) say("This image has no class to keep.");
		else if (known) decide(known.item.label);
	}

	function openNote() {
		if (index === total) return;
		ui.noteRow.hidden = false;
		ui.note.value = notes.get(index) ?? items.get(index)?.item.decision?.note ?? "";
		ui.note.focus();
	}

	/**
	 * Closes the note. One on an image that is decided is kept at once.
	 *
	 * @param {boolean} isKept
	 * @param {boolean} isFocused whether the panel gets the focus
	 */
	function closeNote(isKept, isFocused = true) {
		if (ui.noteRow.hidden) return;
		ui.noteRow.hidden = true;
		if (isFocused) ui.root.focus();
		if (!isKept) return;
		notes.set(index, ui.note.value.trim());
		ui.noted.classList.add("icn-review-marked");
		const decision = items.get(index)?.item.decision;
		if (decision) decide(decision.to);
		else say("The note is kept with the decision.");
	}

	function zoom() {
		const known = items.get(index);
		if (!known || "reason" in known.item.image) return;
		showZoomed(ui.dialog, known.item.image, known.item.path);
		ui.dialog.showModal();
		ask({ ask: "image", index });
	}

	/** @param {ImageMessage} message */
	function onImage({ image }) {
		if (ui.dialog.open && "url" in image) showZoomed(ui.dialog, image, items.get(index)?.item.path ?? "");
	}

	/** @param {string} text */
	function say(text) {
		ui.status.textContent = text;
	}

	/** @param {string} text */
	function fail(text) {
		ui.error.textContent = text;
	}
}

export default { render };
