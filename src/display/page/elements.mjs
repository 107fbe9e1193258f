// The elements that the panel is made of.

/** @typedef {import("./messages.mjs").ShownImage} ShownImage */

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
export function element(tag, className = "", children = [], attributes = {}) {
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
export function button(text, key, shortcut, onClick) {
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
export function picture(image, alt) {
	if ("reason" in image)
		return element("span", "icn-review-none", [element("strong", "", ["No image"]), ` ${image.reason}`]);
	const made = element("img", "", [], { src: image.url, alt, draggable: "false" });
	if (Math.max(image.width, image.height) <= SMALL) made.classList.add("icn-review-small");
	// Decoded now, so that it is there when its turn comes.
	made.decode().catch(() => {});
	return made;
}
