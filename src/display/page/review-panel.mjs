// What a notebook shows of the review panel: a module for anywidget, which hands `render` a model and an element.
// The kernel's side is src/display/review-panel.ts.

/**
 * @typedef {{ url: string, width: number, height: number } | { reason: string }} ShownImage
 * @typedef {{ to: string | null, proposedBy?: string, time?: string, note?: string }} Decision
 * @typedef {{
 *   index: number, path: string, label: string, suggested: string | null, kind: string, score: number, why: string,
 *   image: ShownImage, neighbours: { path: string, label: string, image: ShownImage }[],
 *   decision: Decision | null, ahead: number[],
 * }} Item
 * @typedef {{ type: "item", view: string } & Item} ItemMessage
 * @typedef {{
 *   type: "changed", view: string, index: number, path: string, decision: Decision | null, following: number, decided: number,
 * }} ChangedMessage
 * @typedef {{ type: "image", view: string, index: number, image: ShownImage }} ImageMessage
 * @typedef {{ type: "failed", view: string, index: number, reason: string }} FailedMessage
 * @typedef {ItemMessage | ChangedMessage | ImageMessage | FailedMessage} Message
 * @typedef {{
 *   get(name: string): any, set(name: string, value: unknown): void, save_changes(): void, send(content: object): void,
 *   on(name: string, callback: (value: any) => void): void, off(name: string, callback: (value: any) => void): void,
 *   widget_manager?: { kernel?: { statusChanged?: StatusChanged } },
 * }} Model
 * @typedef {{ connect(slot: Slot): unknown, disconnect(slot: Slot): unknown }} StatusChanged JupyterLab's signal
 * @typedef {(kernel: unknown, status: string) => void} Slot
 */

/** Milliseconds after which a view says that it waits. */
const PATIENCE = 4000;
/** Number of classes that have a digit, and of matches that the class search shows. */
const [DIGITS, MATCHES] = [9, 8];
/** Pixels up to which an image is enlarged without smoothing, so that its pixels can be told apart. */
const SMALL = 128;

/**
 * Makes an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {(Node | string)[]} children texts are shown as they are written
 * @param {Record<string, string>} attributes
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function element(tag, className = "", children = [], attributes = {}) {
	const made = document.createElement(tag);
	if (className) made.className = className;
	for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
	made.append(...children);
	return made;
}

/**
 * Makes a button.
 *
 * @param {string} text
 * @param {string} key the key that does the same, shown on the button; "" for none
 * @param {string} shortcut the key's name for `aria-keyshortcuts`
 * @param {() => void} onClick
 */
function button(text, key, shortcut, onClick) {
	const label = element("span", "icn-review-text", [text]);
	const made = element("button", "icn-review-button", [label], { type: "button" });
	if (key) {
		made.prepend(element("kbd", "", [key], { "aria-hidden": "true" }));
		made.setAttribute("aria-keyshortcuts", shortcut);
	}
	made.addEventListener("click", onClick);
	return Object.assign(made, {
		/** @param {string} changed */
		say(changed) {
			label.textContent = changed;
		},
	});
}

/**
 * The image of an item, or an empty frame with the reason.
 *
 * @param {ShownImage} image
 * @param {string} alt
 */
function picture(image, alt) {
	if ("reason" in image)
		return element("span", "icn-review-none", [element("strong", "", ["No image"]), ` ${image.reason}`]);
	const made = element("img", "", [], { src: image.url, alt, draggable: "false" });
	if (Math.max(image.width, image.height) <= SMALL) made.classList.add("icn-review-small");
	// Decoded now, so that it is there when its turn comes.
	made.decode().catch(() => {});
	return made;
}

/** @param {number} number */
const count = (number) => number.toLocaleString("en");

/** @param {Decision} decision */
const named = ({ to }) => (to === null ? "left out" : to);

/**
 * @param {Decision} decision
 * @param {string} label the class before
 */
function sentence(decision, label) {
	const what =
		decision.to === null ? "left out" : decision.to === label ? `stays ${label}` : `${label} → ${decision.to}`;
	const when = decision.time ? `, ${new Date(decision.time).toLocaleString()}` : "";
	return `Decided: ${what}${when}${decision.note ? ` — ${decision.note}` : ""}`;
}

/** The digit or the lower-case letter of a key, also on keyboards that have other letters there; else its name. */
const keyOf = (/** @type {KeyboardEvent} */ { key, code }) => {
	if (/^[1-9a-z]$/i.test(key)) return key.toLowerCase();
	const [, digit, letter] = /^(?:Digit|Numpad)([1-9])$|^Key([A-Z])$/.exec(code) ?? [];
	return (key.length === 1 && (digit ?? letter?.toLowerCase())) || key;
};

/** @param {{ model: Model, el: HTMLElement }} widget */
function render({ model, el }) {
	const view = Math.random().toString(36).slice(2);
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
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	let patience;
	let hasEnded = false;
	const { statusChanged } = model.widget_manager?.kernel ?? {};

	const ui = layout();
	el.append(ui.root);
	model.on("msg:custom", receive);
	model.on("change:decided", onDecided);
	model.on("comm_live_update", onLive);
	statusChanged?.connect(onStatus);
	go(index);
	if (model.get("isNew")) {
		model.set("isNew", false);
		model.save_changes();
		// JupyterLab gives the focus to the next cell when this one has run.
		setTimeout(takeFocus, 50);
	}
	onLive();
	return () => {
		clearTimeout(patience);
		model.off("msg:custom", receive);
		model.off("change:decided", onDecided);
		model.off("comm_live_update", onLive);
		statusChanged?.disconnect(onStatus);
	};

	/** The elements, which stay the same for all items, so that the focus does. */
	function layout() {
		const progress = element("span", "icn-review-progress");
		const bar = element("progress", "", [], { max: String(total || 1), "aria-label": "decided" });
		const frame = element("button", "icn-review-frame", [], { type: "button" });
		frame.addEventListener("click", zoom);
		const path = element("figcaption", "icn-review-path");
		const now = element("dd", "icn-review-label");
		const suggested = element("dd", "icn-review-label");
		const why = element("p", "icn-review-why");
		const decision = element("p", "icn-review-decision");
		const take = button("", "Enter", "Enter", takeSuggestion);
		take.classList.add("icn-review-take");
		const keep = button("Keep", "k", "K", keepLabel);
		const exclude = button("Leave out", "x", "X", () => decide(null));
		const classes = classNames
			.slice(0, DIGITS)
			.map((name, i) => button(name, String(i + 1), String(i + 1), () => decide(name)));
		const search = classNames.length > DIGITS ? classSearch() : null;
		const back = button("Back", "←", "ArrowLeft", () => go(index - 1));
		const skip = button("Skip", "→", "ArrowRight", () => go(index + 1));
		const undo = button("Undo", "u", "U", () => change({ ask: "undo" }));
		const zoomed = button("Zoom", "z", "Z", zoom);
		const noted = button("Note", "n", "N", openNote);
		const note = element("input", "", [], { type: "text", maxlength: "1000", "aria-label": "Note on this image" });
		const noteHint = element("small", "", ["Enter: with the decision · Esc: back"]);
		const noteRow = element("div", "icn-review-note", [note, noteHint]);
		const neighbours = element("ul", "icn-review-neighbours");
		const near = element("div", "icn-review-near", [element("h4", "", ["Nearest images"]), neighbours]);
		const error = element("p", "icn-review-error", [], { role: "alert" });
		const status = element("p", "icn-review-status", [], { role: "status", "aria-live": "polite" });
		const end = element("p", "icn-review-end");
		const first = button("To the first undecided image", "", "", () => go(Number(first.dataset.index)));
		const ended = element("div", "icn-review-ended", [end, first]);
		const dialog = element("dialog", "icn-review-zoom", [], { "aria-label": "Image in full size" });
		dialog.addEventListener("click", () => dialog.close());
		dialog.addEventListener("close", () => {
			dialog.replaceChildren();
			takeFocus();
		});
		note.addEventListener("keydown", (event) => {
			if (event.key === "Enter" && !event.isComposing) closeNote(true);
			else if (event.key === "Escape") closeNote(false);
			else return;
			event.preventDefault();
		});
		noteRow.hidden = true;
		const facts = element("dl", "", [
			element("div", "", [element("dt", "", ["class now"]), now]),
			element("div", "", [element("dt", "", ["suggested"]), suggested]),
		]);
		const main = element("div", "icn-review-main", [
			element("figure", "", [frame, path]),
			element("div", "icn-review-side", [
				...[facts, why, decision, take],
				element("div", "icn-review-row icn-review-classes", classes, { role: "group", "aria-label": "Classes" }),
				...(search ? [search.box] : []),
				element("div", "icn-review-row", [keep, exclude]),
				element("div", "icn-review-row icn-review-less", [back, skip, undo, zoomed, noted]),
				noteRow,
			]),
		]);
		const root = element(
			"div",
			"icn-review",
			[element("div", "icn-review-head", [progress, bar]), main, near, ended, error, status, dialog],
			{
				...{ tabindex: "0", role: "group", "aria-label": "Review of suspect images" },
				// JupyterLab's shortcuts: `x` would cut the cell.
				"data-lm-suppress-shortcuts": "true",
			},
		);
		root.addEventListener("keydown", onKey);
		root.addEventListener("click", (event) => {
			// After the mouse, Enter means the suggestion again, not the button that was clicked.
			if (event.detail > 0 && document.activeElement?.tagName === "BUTTON" && !dialog.open) root.focus();
		});
		return {
			...{
				root,
				progress,
				bar,
				frame,
				path,
				now,
				suggested,
				why,
				decision,
				take,
				keep,
				exclude,
				classes,
				search,
				back,
			},
			...{ undo, noted, note, noteRow, neighbours, near, error, status, end, first, ended, main, dialog },
		};
	}

	/** The search field for classes, where there are more than digits: a combobox. */
	function classSearch() {
		/** @type {string[]} */
		let matches = [];
		let active = 0;
		const id = `icn-review-${view}`;
		const list = element("ul", "icn-review-matches", [], { role: "listbox", id, "aria-label": "Classes" });
		const input = element("input", "", [], {
			...{ type: "text", role: "combobox", autocomplete: "off", "aria-expanded": "false", "aria-controls": id },
			...{
				"aria-label": "Another class",
				placeholder: `c: one of ${count(classNames.length)} classes`,
				"aria-keyshortcuts": "C",
			},
		});
		const draw = () => {
			const wanted = input.value.trim().toLowerCase();
			const starts = classNames.filter((name) => name.toLowerCase().startsWith(wanted));
			const holds = classNames.filter((name) => name.toLowerCase().includes(wanted) && !starts.includes(name));
			matches = wanted ? [...starts, ...holds].slice(0, MATCHES) : [];
			active = Math.min(Math.max(0, active), Math.max(0, matches.length - 1));
			list.replaceChildren(
				...matches.map((name, i) => {
					const attributes = { role: "option", id: `${id}-${i}`, "aria-selected": String(i === active) };
					const option = element("li", "", [name], attributes);
					option.addEventListener("mousedown", (event) => {
						event.preventDefault();
						choose(name);
					});
					return option;
				}),
			);
			input.setAttribute("aria-expanded", String(matches.length > 0));
			input.setAttribute("aria-activedescendant", matches.length > 0 ? `${id}-${active}` : "");
		};
		/** @param {string | undefined} name */
		const choose = (name) => {
			if (name === undefined && input.value.trim()) return fail(`${input.value} is no class.`);
			input.value = "";
			draw();
			ui.root.focus();
			if (name !== undefined) decide(name);
		};
		input.addEventListener("input", () => {
			active = 0;
			draw();
		});
		input.addEventListener("keydown", (event) => {
			if (event.isComposing) return;
			if (event.key === "Enter") choose(matches[active]);
			else if (event.key === "Escape") {
				input.value = "";
				choose(undefined);
			} else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
				active += event.key === "ArrowDown" ? 1 : -1;
				draw();
			} else return;
			event.preventDefault();
		});
		return { box: element("div", "icn-review-search", [input, list]), input };
	}

	/** @param {KeyboardEvent} event */
	function onKey(event) {
		// What happens in the panel is not the notebook's.
		event.stopPropagation();
		if ((event.ctrlKey || event.metaKey) && keyOf(event) === "s") return saveNotebook(event);
		const target = /** @type {HTMLElement} */ (event.target);
		if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "INPUT") return;
		const key = keyOf(event);
		if (ui.dialog.open) {
			if (key === "z" || key === "Enter" || key === " ") ui.dialog.close();
			else if (key !== "Escape") return;
			else ui.dialog.close();
			return event.preventDefault();
		}
		// A button that has the focus is pressed by them.
		if (target.tagName === "BUTTON" && (key === "Enter" || key === " ")) return;
		const action = actionOf(key);
		if (!action) return;
		event.preventDefault();
		// A key that is held down goes through images, but decides on none of them.
		if (!event.repeat || key.startsWith("Arrow")) action();
	}

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

	/** Saving is what fingers do by themselves: the notebook hears of it. @param {KeyboardEvent} event */
	function saveNotebook(event) {
		event.preventDefault();
		const { key, code, keyCode, ctrlKey, metaKey } = event;
		const again = new KeyboardEvent("keydown", { ...{ key, code, keyCode, ctrlKey, metaKey }, bubbles: true });
		el.dispatchEvent(again);
	}

	function takeFocus() {
		const focused = document.activeElement;
		// Somebody is typing elsewhere.
		const isTyping = focused?.matches("input, textarea, select, [contenteditable='true']");
		if (ui.root.isConnected && !isTyping) ui.root.focus();
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
		ui.now.textContent = label;
		ui.suggested.textContent = suggested ?? "—";
		ui.why.replaceChildren(element("strong", "", [kind]), ` ${score.toFixed(3)} — ${why}`);
		ui.decision.textContent = decision ? sentence(decision, label) : "";
		ui.take.say(suggested === null ? "No suggestion" : suggested === label ? `Keep ${label}` : `Take ${suggested}`);
		ui.take.setAttribute("aria-disabled", String(suggested === null));
		ui.keep.say(`Keep ${label}`);
		ui.keep.setAttribute("aria-pressed", String(decision !== null && decision.to === label));
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
			`${count(index + 1)} of ${count(total)}: ${label}${hint}. ${kind}. ${decision ? sentence(decision, label) : ""}`,
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

	/** @param {object} content */
	function ask(content) {
		model.send({ view, ...content });
		clearTimeout(patience);
		patience = setTimeout(() => {
			if (isLive())
				fail("Waiting for the kernel, which is busy or has ended. Nothing that is shown as decided is lost.");
		}, PATIENCE);
	}

	/** @param {Message} message */
	function receive(message) {
		if (message.type === "changed") return onChanged(message);
		if (message.view !== view) return;
		settle();
		if (message.type === "item") onItem(message);
		if (message.type === "image" && message.index === index) onImage(message);
		if (message.type === "failed") {
			isPending = false;
			asked.delete(message.index);
			ui.root.removeAttribute("data-decides");
			fail(message.reason);
		}
	}

	function settle() {
		clearTimeout(patience);
		if (isLive()) fail("");
	}

	/** @param {ItemMessage} item */
	function onItem(item) {
		asked.delete(item.index);
		if (index === total) return offerFirst(item);
		items.set(item.index, { item, picture: picture(item.image, `image of class ${item.label}`) });
		if (item.index === index) draw();
	}

	/** At the end, offers the first image that is undecided. @param {Item} item the first of all */
	function offerFirst(item) {
		const first = item.decision === null ? item.index : item.ahead[0];
		ui.first.hidden = first === undefined;
		ui.first.dataset.index = String(first);
	}

	/** @param {ChangedMessage} message */
	function onChanged(message) {
		for (const { item } of items.values()) if (item.path === message.path) item.decision = message.decision;
		decided = message.decided;
		if (message.view !== view) return draw();
		settle();
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
		if (known) decide(known.item.label);
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
		showZoomed(known.item.image);
		ui.dialog.showModal();
		ask({ ask: "image", index });
	}

	/** @param {ImageMessage} message */
	function onImage({ image }) {
		if (ui.dialog.open && "url" in image) showZoomed(image);
	}

	/** Shows an image in its size; a small one enlarged, as far as the window goes. @param {{ url: string, width: number, height: number }} image */
	function showZoomed({ url, width, height }) {
		const fit = Math.min((0.92 * window.innerWidth) / width, (0.88 * window.innerHeight) / height, 8);
		const scale = Math.max(1, fit);
		const made = element("img", "", [], { src: url, alt: ui.path.firstChild?.textContent ?? "" });
		made.width = width * scale;
		made.height = height * scale;
		if (scale >= 2) made.classList.add("icn-review-small");
		ui.dialog.replaceChildren(made);
	}

	/** @param {string} text */
	function say(text) {
		ui.status.textContent = text;
	}

	/** @param {string} text */
	function fail(text) {
		ui.error.textContent = text;
	}

	function isLive() {
		return !hasEnded && !el.classList.contains("jupyter-widgets-disconnected");
	}

	/** A kernel that was killed comes back without this panel, of which its widgets are not told. @type {Slot} */
	function onStatus(_, status) {
		if (!/restarting|terminating|dead/.test(status)) return;
		hasEnded = true;
		onLive();
	}

	function onLive() {
		// The view's element says so, a moment after the model does.
		setTimeout(() => {
			ui.root.toggleAttribute("data-ended", !isLive());
			if (!isLive())
				fail(
					"The kernel of this panel has ended. Nothing that is shown as decided is lost: run the cell again to go on.",
				);
		});
	}

	function onDecided() {
		decided = model.get("decided");
		drawProgress();
	}
}

export default { render };
