// The zoomed image, in a dialog.
import { element } from "./elements.mjs";

/**
 * Makes the dialog.
 *
 * @param {() => void} onClose
 */
export function zoomDialog(onClose) {
	const dialog = element("dialog", "icn-review-zoom", [], { "aria-label": "Image in full size" });
	dialog.addEventListener("click", () => dialog.close());
	dialog.addEventListener("close", () => {
		dialog.replaceChildren();
		onClose();
	});
	return dialog;
}

/**
 * Shows an image in its size; a small one enlarged, as far as the window goes.
 *
 * @param {HTMLDialogElement} dialog
 * @param {{ url: string, width: number, height: number }} image
 * @param {string} alt
 */
export function showZoomed(dialog, { url, width, height }, alt) {
	const fit = Math.min((0.92 * window.innerWidth) / width, (0.88 * window.innerHeight) / height, 8);
	const scale = Math.max(1, fit);
	const made = element("img", "", [], { src: url, alt });
	made.width = width * scale;
	made.height = height * scale;
	if (scale >= 2) made.classList.add("icn-review-small");
	dialog.replaceChildren(made);
}
