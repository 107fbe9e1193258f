// The elements of the pages, in their places.
import { button, element, picture } from "./elements.mjs";
import { named, percent } from "./words.mjs";
import { zoomDialog } from "./zoom.mjs";

/**
 * @typedef {import("./messages.mjs").Tile} Tile
 * @typedef {{
 *   confirm(): void, mark(): void, back(): void, skip(): void, undo(): void, zoom(): void, first(): void, takeFocus(): void,
 * }} Actions
 */

/**
 * Makes the elements of the pages, which stay the same for all pages, so that the focus does: the list has it, and says which of
 * its options is the active one.
 *
 * @param {{ images: number, view: string }} panel
 * @param {Actions} actions
 */
export function pagesLayout({ images, view }, actions) {
	const progress = element("span", "icn-review-progress");
	const bar = element("progress", "", [], { max: String(images || 1), "aria-label": "decided" });
	const title = element("p", "icn-review-label", [], { id: `icn-pages-${view}` });
	const list = element("ul", "icn-pages-grid", [], {
		...{ tabindex: "0", role: "listbox", "aria-multiselectable": "true", "aria-labelledby": title.id },
		"aria-keyshortcuts": "Space Enter U Z PageUp PageDown",
	});
	const path = element("p", "icn-review-path", [element("span"), element("span")]);
	const confirm = button("", "Enter", "Enter", actions.confirm);
	confirm.classList.add("icn-review-take");
	const mark = button("", "Space", "Space", actions.mark);
	const back = button("Back", "PgUp", "PageUp", actions.back);
	const skip = button("Skip", "PgDn", "PageDown", actions.skip);
	const undo = button("Undo page", "u", "U", actions.undo);
	const zoomed = button("Zoom", "z", "Z", actions.zoom);
	const main = element("div", "icn-pages-main", [
		title,
		element("div", "icn-review-row", [confirm, mark]),
		...[list, path],
	]);
	const less = element("div", "icn-review-row icn-review-less", [back, skip, undo, zoomed]);
	const error = element("p", "icn-review-error", [], { role: "alert" });
	const status = element("p", "icn-review-status", [], { role: "status", "aria-live": "polite" });
	const end = element("p", "icn-review-end");
	const first = button("To the first page with undecided images", "", "", actions.first);
	const ended = element("div", "icn-review-ended", [end, first]);
	const dialog = zoomDialog(actions.takeFocus);
	const head = element("div", "icn-review-head", [progress, bar]);
	const root = element("div", "icn-review icn-pages", [head, main, ended, less, error, status, dialog], {
		// At the end there is no list to have the focus.
		...{ tabindex: "-1", role: "group", "aria-label": "Pages of unlabelled images" },
		// JupyterLab's shortcuts: `x` would cut the cell.
		"data-lm-suppress-shortcuts": "true",
	});
	root.addEventListener("click", (event) => {
		// After the mouse, Enter means the page again, not the button that was clicked.
		if (event.detail > 0 && document.activeElement?.tagName === "BUTTON" && !dialog.open) actions.takeFocus();
	});
	return {
		root,
		progress,
		bar,
		title,
		list,
		path,
		confirm,
		mark,
		back,
		skip,
		main,
		error,
		status,
		end,
		first,
		ended,
		dialog,
	};
}

/**
 * The option of an image. One that was decided by itself cannot be marked.
 *
 * @param {Tile} tile
 * @param {string} id
 */
export function option({ path, score, image, decision, isOpen }, id) {
	const badge = element("span", "icn-pages-badge", [decision ? `✓ ${named(decision)}` : ""]);
	const wrong = element("span", "icn-pages-badge icn-pages-wrong", ["✗ wrong"]);
	const figure = element("span", "icn-pages-image", [picture(image, fileName(path)), badge, wrong]);
	const made = element("li", "", [figure, element("span", "icn-pages-score", [percent(score)])], {
		...{ role: "option", id, title: path, "aria-selected": "false" },
		...(isOpen ? {} : { "aria-disabled": "true" }),
	});
	made.classList.toggle("icn-pages-decided", decision !== null);
	return made;
}

/** @param {string} path */
export const fileName = (path) => path.split(/[\\/]/).at(-1) ?? path;
