// The elements of the panel, in their places.
import { classSearch } from "./class-search.mjs";
import { button, element } from "./elements.mjs";
import { zoomDialog } from "./zoom.mjs";

/** Number of classes that have a digit. */
const DIGITS = 9;

/**
 * @typedef {{
 *   zoom(): void, takeSuggestion(): void, keepLabel(): void, decide(to: string | null): void, go(index: number): void,
 *   back(): void, skip(): void, undo(): void, openNote(): void, closeNote(isKept: boolean): void, takeFocus(): void,
 *   fail(text: string): void,
 * }} Actions
 */

/**
 * Makes the elements of a panel, which stay the same for all items, so that the focus does.
 *
 * @param {string[]} classNames
 * @param {{ total: number, view: string }} panel
 * @param {Actions} actions
 */
export function layout(classNames, { total, view }, actions) {
	const progress = element("span", "icn-review-progress");
	const bar = element("progress", "", [], { max: String(total || 1), "aria-label": "decided" });
	const frame = element("button", "icn-review-frame", [], { type: "button" });
	frame.addEventListener("click", actions.zoom);
	const path = element("figcaption", "icn-review-path");
	const now = element("dd", "icn-review-label");
	const suggested = element("dd", "icn-review-label");
	const why = element("p", "icn-review-why");
	const decision = element("p", "icn-review-decision");
	const take = button("", "Enter", "Enter", actions.takeSuggestion);
	take.classList.add("icn-review-take");
	const keep = button("Keep", "k", "K", actions.keepLabel);
	const exclude = button("Leave out", "x", "X", () => actions.decide(null));
	const classes = classNames
		.slice(0, DIGITS)
		.map((name, i) => button(name, String(i + 1), String(i + 1), () => actions.decide(name)));
	const search =
		classNames.length > DIGITS
			? classSearch(classNames, `icn-review-${view}`, {
					...{ onChoice: actions.decide, fail: actions.fail },
					onLeave: () => root.focus(),
				})
			: null;
	const back = button("Back", "←", "ArrowLeft", actions.back);
	const skip = button("Skip", "→", "ArrowRight", actions.skip);
	const undo = button("Undo", "u", "U", actions.undo);
	const zoomed = button("Zoom", "z", "Z", actions.zoom);
	const noted = button("Note", "n", "N", actions.openNote);
	const note = element("input", "", [], { type: "text", maxlength: "1000", "aria-label": "Note on this image" });
	const noteHint = element("small", "", ["Enter: with the decision · Esc: back"]);
	const noteRow = element("div", "icn-review-note", [note, noteHint]);
	const neighbours = element("ul", "icn-review-neighbours");
	const near = element("div", "icn-review-near", [element("h4", "", ["Nearest images"]), neighbours]);
	const error = element("p", "icn-review-error", [], { role: "alert" });
	const status = element("p", "icn-review-status", [], { role: "status", "aria-live": "polite" });
	const end = element("p", "icn-review-end");
	const first = button("To the first undecided image", "", "", () => actions.go(Number(first.dataset.index)));
	const ended = element("div", "icn-review-ended", [end, first]);
	const dialog = zoomDialog(actions.takeFocus);
	note.addEventListener("keydown", (event) => {
		if (event.key === "Enter" && !event.isComposing) actions.closeNote(true);
		else if (event.key === "Escape") actions.closeNote(false);
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
