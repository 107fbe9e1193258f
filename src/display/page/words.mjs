// What the panel says of numbers, decisions and keys.

/** @typedef {import("./messages.mjs").Decision} Decision */

/** @param {number} number */
export const count = (number) => number.toLocaleString("en");

/** @param {number} fraction 0–1 */
export const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;

/** @param {Decision} decision */
export const named = ({ to }) => (to === null ? "left out" : to);

/**
 * @param {Decision} decision
 * @param {string | null} label the class before; null for an unlabelled image
 */
export function sentence(decision, label) {
	const changed = label === null ? decision.to : `${label} → ${decision.to}`;
	const what = decision.to === null ? "left out" : decision.to === label ? `stays ${label}` : changed;
	const when = decision.time ? `, ${new Date(decision.time).toLocaleString()}` : "";
	return `Decided: ${what}${when}${decision.note ? ` — ${decision.note}` : ""}`;
}

/** The digit or the lower-case letter of a key, also on keyboards that have other letters there; else its name. */
export const keyOf = (/** @type {KeyboardEvent} */ { key, code }) => {
	if (/^[1-9a-z]$/i.test(key)) return key.toLowerCase();
	const [, digit, letter] = /^(?:Digit|Numpad)([1-9])$|^Key([A-Z])$/.exec(code) ?? [];
	return (key.length === 1 && (digit ?? letter?.toLowerCase())) || key;
};
