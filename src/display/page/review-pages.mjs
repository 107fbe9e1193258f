// What a notebook shows of pages of proposals: a module for anywidget, which hands `render` a model and an element.
// The kernel's side is src/display/review-pages.ts.
import { focusNew, keyListener, takeFocus } from "./keyboard.mjs";
import { connect } from "./link.mjs";
import { fileName, option, pagesLayout } from "./pages-layout.mjs";
import { count } from "./words.mjs";
import { showZoomed } from "./zoom.mjs";

/**
 * @typedef {import("./messages.mjs").Model} Model
 * @typedef {import("./messages.mjs").ProposalPage} ProposalPage
 * @typedef {import("./messages.mjs").PagesMessage} PagesMessage
 * @typedef {import("./messages.mjs").PageChangedMessage} PageChangedMessage
 */

/** @param {{ model: Model, el: HTMLElement }} widget */
function render({ model, el }) {
	/** @type {number} */
	const total = model.get("total");
	/** @type {number} */
	const images = model.get("images");
	/** @type {Map<number, ProposalPage>} */
	const pages = new Map();
	/** Those that were asked for. @type {Set<number>} */
	const asked = new Set();
	/** The marked images of each page, by index of the proposal. @type {Map<number, Set<number>>} */
	const marks = new Map();
	let page = Math.min(model.get("page"), total);
	/** The image at which the keys are. */
	let cursor = 0;
	/** Whether a decision is on its way: what is pressed meanwhile was meant for a page that will be gone. */
	let isPending = false;

	const { view, ask, isLive, close } = connect(
		{ model, el },
		{
			...{ receive, fail, progressed: drawProgress },
			showEnded: (hasEnded) => ui.root.toggleAttribute("data-ended", hasEnded),
		},
	);
	const ui = pagesLayout(
		{ images, view },
		{
			...{ confirm, zoom, undo, takeFocus: focus },
			mark: () => mark(cursor),
			back: () => go(page - 1),
			skip: () => go(page + 1),
			first: () => go(model.get("first")),
		},
	);
	ui.root.addEventListener("keydown", keyListener(el, ui.dialog, actionOf));
	ui.list.addEventListener("click", (event) => {
		const at = [...ui.list.children].findIndex((tile) => tile.contains(/** @type {Node} */ (event.target)));
		if (at >= 0) mark(at);
	});
	el.append(ui.root);
	go(page);
	focusNew(model, focus);
	return close;

	/**
	 * @param {string} key
	 * @returns {(() => void) | undefined}
	 */
	function actionOf(key) {
		const tiles = pages.get(page)?.tiles.length ?? 0;
		switch (key) {
			case "Enter":
				return confirm;
			case " ":
				return () => mark(cursor);
			case "u":
				return undo;
			case "z":
				return zoom;
			case "PageUp":
				return () => go(page - 1);
			case "PageDown":
				return () => go(page + 1);
			case "ArrowLeft":
				return () => move(cursor - 1);
			case "ArrowRight":
				return () => move(cursor + 1);
			case "ArrowUp":
				return () => move(cursor - columns());
			case "ArrowDown":
				return () => move(cursor + columns());
			case "Home":
				return () => move(0);
			case "End":
				return () => move(tiles - 1);
			default:
				return undefined;
		}
	}

	/** The number of images in a row, which depends on the width. */
	function columns() {
		const tops = [...ui.list.children].map((tile) => /** @type {HTMLElement} */ (tile).offsetTop);
		return tops.filter((top) => top === tops[0]).length;
	}

	function focus() {
		takeFocus(ui.main.hidden ? ui.root : ui.list);
	}

	/** Shows a page, or the end. @param {number} wanted */
	function go(wanted) {
		if (wanted < 0 || wanted > total || isPending) return;
		const isOther = wanted !== page;
		if (isOther) cursor = 0;
		page = wanted;
		model.set("page", page);
		model.save_changes();
		draw();
		if (isOther && ui.main.contains(document.activeElement)) ui.title.scrollIntoView({ block: "nearest" });
	}

	/** Shows the current page as far as it is known. */
	function draw() {
		const known = pages.get(page);
		const isEnd = page === total;
		const focused = document.activeElement;
		ui.root.dataset.page = String(page);
		ui.root.toggleAttribute("data-waits", !known && !isEnd);
		ui.main.hidden = isEnd;
		ui.ended.hidden = !isEnd;
		ui.back.setAttribute("aria-disabled", String(page === 0));
		ui.skip.setAttribute("aria-disabled", String(isEnd));
		drawProgress();
		if (isEnd) drawEnd();
		else if (known) drawPage(known);
		else request(page);
		// What had the focus is hidden now.
		if ((isEnd ? ui.main : ui.ended).contains(focused)) focus();
	}

	function drawProgress() {
		const position = page < total ? `Page ${count(page + 1)} of ${count(total)}` : `${count(total)} pages`;
		ui.progress.textContent = `${position}, ${count(model.get("decided"))} of ${count(images)} images decided`;
		ui.bar.value = model.get("decided");
	}

	function drawEnd() {
		const [left, marked] = [images - model.get("decided"), model.get("marked")];
		const done = left === 0 ? `All ${count(images)} are decided.` : `This is the end. ${count(left)} are undecided.`;
		const rest = marked > 0 ? ` Marked as wrong: ${count(marked)}, to be labelled one by one.` : "";
		ui.end.textContent = images === 0 ? "There is nothing to confirm." : `${done}${rest}`;
		ui.first.hidden = model.get("first") === total;
		say(ui.end.textContent);
	}

	/** @param {ProposalPage} known */
	function drawPage({ to, tiles, isConfirmed, ahead }) {
		ui.title.textContent = `${count(tiles.length)} image${tiles.length === 1 ? "" : "s"} proposed as ${to}`;
		ui.list.replaceChildren(...tiles.map((tile, i) => option(tile, `icn-pages-${view}-${i}`)));
		drawMarks();
		say(
			`Page ${count(page + 1)} of ${count(total)}: ${ui.title.textContent}${isConfirmed ? ", confirmed" : ""}. Select those that are wrong.`,
		);
		// Only those at hand stay in memory.
		const near = new Set([page - 1, page, page + 1, ahead]);
		for (const other of pages.keys()) if (!near.has(other)) pages.delete(other);
		for (const next of [ahead, page + 1]) if (next < total && !pages.has(next)) request(next);
	}

	/** Shows which images are marked, and what Enter would do. */
	function drawMarks() {
		const known = pages.get(page);
		if (!known) return;
		const { to, tiles } = known;
		const marked = marksOf(known);
		for (const [i, { index }] of tiles.entries()) ui.list.children[i].ariaSelected = String(marked.has(index));
		const right = tiles.filter(({ index, isOpen }) => isOpen && !marked.has(index)).length;
		ui.confirm.say(right === 0 ? `None is ${to}` : `Confirm ${count(right)} as ${to}`);
		drawCursor();
	}

	function drawCursor() {
		const tile = pages.get(page)?.tiles[cursor];
		for (const [i, made] of [...ui.list.children].entries()) made.classList.toggle("icn-pages-active", i === cursor);
		if (!tile) return;
		ui.list.setAttribute("aria-activedescendant", ui.list.children[cursor].id);
		const [path, why] = ui.path.children;
		path.textContent = tile.path;
		why.textContent = tile.why;
		ui.mark.say(isMarked(tile.index) ? "Not wrong" : "Mark as wrong");
		ui.mark.setAttribute("aria-disabled", String(!tile.isOpen));
	}

	/** @param {ProposalPage} known */
	function marksOf({ page: of, tiles }) {
		const own = marks.get(of) ?? new Set(tiles.filter((tile) => tile.isMarked).map(({ index }) => index));
		marks.set(of, own);
		return own;
	}

	/** @param {number} index */
	function isMarked(index) {
		return marks.get(page)?.has(index) ?? false;
	}

	/** @param {number} to */
	function move(to) {
		const { length } = pages.get(page)?.tiles ?? [];
		if (to < 0 || to >= length) return;
		cursor = to;
		drawCursor();
		ui.list.children[cursor].scrollIntoView({ block: "nearest" });
	}

	/** Marks an image as wrong, or takes the mark away. @param {number} at */
	function mark(at) {
		const known = pages.get(page);
		const tile = known?.tiles[at];
		if (!tile || isPending) return;
		cursor = at;
		const own = marksOf(known);
		if (tile.isOpen && !own.delete(tile.index)) own.add(tile.index);
		drawMarks();
		const what = own.has(tile.index) ? "marked as wrong" : "not marked";
		say(`${fileName(tile.path)}: ${tile.isOpen ? what : "decided by itself, it stays"}`);
	}

	function confirm() {
		const known = pages.get(page);
		// What cannot be seen yet is not decided on.
		if (known) change({ ask: "confirm", marked: [...marksOf(known)] });
	}

	function undo() {
		change({ ask: "undo" });
	}

	/** @param {object} content */
	function change(content) {
		if (isPending || !isLive()) return;
		isPending = true;
		ui.root.setAttribute("data-decides", "");
		ask({ page, ...content });
	}

	/** Asks for a page, once. @param {number} wanted */
	function request(wanted) {
		if (asked.has(wanted)) return;
		asked.add(wanted);
		ask({ ask: "page", page: wanted });
	}

	/** @param {PagesMessage} message @param {boolean} isOwn */
	function receive(message, isOwn) {
		if (message.type === "changed") onChanged(message, isOwn);
		if (message.type === "page") {
			asked.delete(message.page);
			pages.set(message.page, message);
			if (message.page === page) draw();
		}
		if (message.type === "image" && ui.dialog.open && "url" in message.image) {
			showZoomed(ui.dialog, message.image, ui.path.children[0].textContent ?? "");
		}
		if (message.type === "failed") {
			isPending = false;
			asked.delete(message.page);
			ui.root.removeAttribute("data-decides");
			fail(message.reason);
		}
	}

	/** @param {PageChangedMessage} message @param {boolean} isOwn */
	function onChanged(message, isOwn) {
		pages.delete(message.page);
		if (!isOwn) {
			marks.delete(message.page);
			return draw();
		}
		isPending = false;
		ui.root.removeAttribute("data-decides");
		go(message.following);
		say(`${message.following === message.page ? "Taken back." : "Confirmed."} ${ui.status.textContent}`);
	}

	function zoom() {
		const tile = pages.get(page)?.tiles[cursor];
		if (!tile || "reason" in tile.image) return;
		showZoomed(ui.dialog, tile.image, tile.path);
		ui.dialog.showModal();
		ask({ ask: "image", index: tile.index });
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
