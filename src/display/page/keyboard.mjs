// The keyboard of a panel: its own keys, and the focus.
import { keyOf } from "./words.mjs";

/**
 * Returns the listener for the keys of a panel.
 *
 * @param {HTMLElement} el the view's element
 * @param {HTMLDialogElement} dialog the zoomed image; while it is open the panel hears no keys
 * @param {(key: string) => (() => void) | undefined} actionOf what a key does, see `keyOf`
 * @returns {(event: KeyboardEvent) => void}
 */
export const keyListener = (el, dialog, actionOf) => (event) => {
	// What happens in the panel is not the notebook's.
	event.stopPropagation();
	if ((event.ctrlKey || event.metaKey) && keyOf(event) === "s") return saveNotebook(el, event);
	const target = /** @type {HTMLElement} */ (event.target);
	if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "INPUT") return;
	const key = keyOf(event);
	if (dialog.open) {
		if (!["z", "Enter", " ", "Escape"].includes(key)) return;
		dialog.close();
		return event.preventDefault();
	}
	// A button that has the focus is pressed by them.
	if (target.tagName === "BUTTON" && (key === "Enter" || key === " ")) return;
	const action = actionOf(key);
	if (!action) return;
	event.preventDefault();
	// A key that is held down goes through images, but decides on none of them.
	if (!event.repeat || key.startsWith("Arrow")) action();
};

/** Saving is what fingers do by themselves: the notebook hears of it. @param {HTMLElement} el @param {KeyboardEvent} event */
function saveNotebook(el, event) {
	event.preventDefault();
	const { key, code, keyCode, ctrlKey, metaKey } = event;
	const again = new KeyboardEvent("keydown", { ...{ key, code, keyCode, ctrlKey, metaKey }, bubbles: true });
	el.dispatchEvent(again);
}

/** Gives an element the focus, unless somebody is typing elsewhere. @param {HTMLElement} element */
export function takeFocus(element) {
	const isTyping = document.activeElement?.matches("input, textarea, select, [contenteditable='true']");
	if (element.isConnected && !isTyping) element.focus();
}

/**
 * Takes the focus for a panel that a cell has just shown.
 *
 * @param {import("./messages.mjs").Model} model
 * @param {() => void} take
 */
export function focusNew(model, take) {
	if (!model.get("isNew")) return;
	model.set("isNew", false);
	model.save_changes();
	// JupyterLab gives the focus to the next cell when this one has run.
	setTimeout(take, 50);
}
