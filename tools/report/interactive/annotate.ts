// Finds what was computed on the page, compares it with what is shown, and marks it.
import { type Part, tracesOf } from "./parts";

/** What has been compared. */
export interface Marks {
	/** Figures that were compared. */
	figures: number;
	/** Those that are not as computed. */
	differences: number;
	/** Texts, tables and charts that the page does not show. */
	missing: string[];
	/** The fraction of the numbers in the outputs that were compared, 0–1. */
	share(): number;
	mark(part: Part): void;
}

/** The charts of the page by their element, see `figures.js`. */
declare const figures: Map<string, { data: object[]; layout?: { title?: { text?: string } } }> | undefined;

/** A number as it is shown. What a level of confidence says is no figure. */
const NUMBER = /(?<![\d.])(?!95 %(?:\)?:| confidence))[−+-]?\d+(?:\.\d+)?(?: %| points)?/g;
const OUTPUTS = ".jp-OutputArea-output";

/** Returns what compares parts of the page in their order, and counts. */
export function marker(): Marks {
	// A part that is repeated, such as a caption, is looked for after the one before.
	let position = 0;
	const used = new Set<Element>();
	let numbers = 0;

	function note(place: (mark: HTMLElement) => void, shown: string, expected: string, isChart = false): void {
		const isSame = shown === expected;
		marks.figures++;
		if (!isSame) marks.differences++;
		if (isChart || /\d/.test(expected)) numbers++;
		const mark = document.createElement("span");
		mark.className = isSame ? "verified" : "differs";
		mark.title = isSame ? "computed again from the predictions: the same" : `computed again: ${expected}`;
		mark.textContent = isSame ? "" : ` ≠ ${expected}`;
		place(mark);
	}

	function markText(text: string): boolean {
		const { shown, places } = shownText();
		const pattern = new RegExp(text.split(NUMBER).map(escaped).join(`(${NUMBER.source})`), "gd");
		pattern.lastIndex = position;
		const match = pattern.exec(shown) ?? new RegExp(pattern).exec(shown);
		if (!match?.indices) return false;
		position = match.index + match[0].length;
		const ends = match.indices.map((range) => range?.[1] ?? 0);
		const expected = text.match(NUMBER) ?? [];
		// From the last to the first, so that a mark does not move what is marked after it.
		for (let i = expected.length; i > 0; i--)
			note((mark) => insertAt(places, ends[i], mark), match[i], expected[i - 1]);
		return true;
	}

	function markTable({ columns, rows }: Extract<Part, { kind: "table" }>): boolean {
		const tables = [...document.querySelectorAll<HTMLTableElement>(`${OUTPUTS} table`)];
		const element = tables.find((table) => !used.has(table) && sameTexts(table.rows[0], columns));
		if (!element) return false;
		used.add(element);
		const body = [...element.rows].slice(1);
		// A first cell names its row, an empty one says nothing.
		for (const [i, row] of rows.entries())
			row.forEach((expected, j) => {
				const cell = body[i]?.cells[j];
				const shown = cell?.textContent ?? "";
				if (shown !== expected || (j > 0 && expected !== ""))
					note((mark) => (cell ?? element).append(mark), shown, expected);
			});
		if (body.length > rows.length) note((mark) => element.after(mark), `${body.length} rows`, `${rows.length} rows`);
		return true;
	}

	function markFigure({ title, data }: Extract<Part, { kind: "figure" }>): boolean {
		if (typeof figures === "undefined") return false;
		const [id, figure] = [...figures].find(([, { layout }]) => layout?.title?.text === title) ?? [];
		const element = id && document.getElementById(id);
		if (!element) return false;
		const isSame = JSON.stringify(tracesOf(figure?.data ?? [])) === JSON.stringify(data);
		note((mark) => element.after(mark), isSame ? "" : "the chart", isSame ? "" : "what the predictions give", true);
		return true;
	}

	const marks: Marks = {
		...{ figures: 0, differences: 0, missing: [] },
		share: () => numbers / numbersShown(),
		mark(part) {
			if (part.kind === "text") markText(part.text) || marks.missing.push(part.text);
			else if (part.kind === "table") markTable(part) || marks.missing.push(part.columns.join(", "));
			else markFigure(part) || marks.missing.push(part.title);
		},
	};
	for (const mark of document.querySelectorAll(".verified, .differs")) mark.remove();
	return marks;
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

const sameTexts = (row: HTMLTableRowElement | undefined, texts: string[]) =>
	row?.cells.length === texts.length && texts.every((text, i) => row.cells[i].textContent === text);

type Places = { node: Text; start: number }[];

/** The text of all outputs but tables and charts, and where each piece of it stands. */
function shownText(): { shown: string; places: Places } {
	const places: Places = [];
	let shown = "";
	for (const output of document.querySelectorAll(OUTPUTS)) {
		const walker = document.createTreeWalker(output, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
			node instanceof Element && node.matches("table, .figure, .differs, svg")
				? NodeFilter.FILTER_REJECT
				: NodeFilter.FILTER_ACCEPT,
		);
		for (let node = walker.nextNode(); node; node = walker.nextNode()) {
			if (!(node instanceof Text)) continue;
			places.push({ node, start: shown.length });
			shown += node.data;
		}
		shown += "\n";
	}
	return { shown, places };
}

/** Puts a mark behind the character at `end` of the text. */
function insertAt(places: Places, end: number, mark: HTMLElement): void {
	const place = places.findLast(({ start }) => start < end);
	if (!place) return;
	const range = document.createRange();
	range.setStart(place.node, end - place.start);
	range.insertNode(mark);
}

/** How many numbers the outputs show, charts counted as one each. */
function numbersShown(): number {
	const inText = shownText().shown.match(NUMBER)?.length ?? 0;
	const cells = [...document.querySelectorAll<HTMLTableCellElement>(`${OUTPUTS} td`)];
	const inTables = cells.filter(({ textContent }) => /\d/.test(textContent ?? "")).length;
	return inText + inTables + document.querySelectorAll(`${OUTPUTS}.figure`).length;
}
