// The search field for classes.
import { element } from "./elements.mjs";
import { count } from "./words.mjs";

/** Number of matches that are shown. */
const MATCHES = 8;

/**
 * The search field for classes, where there are more than digits: a combobox.
 *
 * @param {string[]} classNames
 * @param {string} id
 * @param {{ onChoice(name: string): void, onLeave(): void, fail(text: string): void }} actions
 */
export function classSearch(classNames, id, { onChoice, onLeave, fail }) {
	/** @type {string[]} */
	let matches = [];
	let active = 0;
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
		onLeave();
		if (name !== undefined) onChoice(name);
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
