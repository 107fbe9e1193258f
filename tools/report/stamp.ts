// What each page of a run carries at its end: the record of the run, for people and for `npm run reproduce`.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { writeFileAtomically } from "../../src/support/files";
import { Html, html, scriptData } from "../../src/support/text";
import type { NotebookArguments } from "../run/arguments";
import { type Embedded, interactiveSections, sectionsCode } from "./interactive-sections";
import { originRows } from "./origin";
import { table } from "./page";
import type { RunRecord } from "./run-record";

const END = "</main>";

const STYLE = new Html(`.origin { font: 14px/1.5 system-ui, sans-serif; margin: 2rem 1rem; }
.origin th { text-align: left; padding-right: 1rem; }`);

/** Adds the record of a run to the pages that it has written, and what they compute in the browser. */
export function stampPages({ notebooks, reports }: NotebookArguments, record: RunRecord, embedded: Embedded): void {
	const { origin } = record;
	if (!origin) return;
	// Of the data set its name only: pages that are passed on do not tell where it lies on this machine.
	const shared = { ...record, dataset: basename(record.dataset) };
	const stamp = String(html`<style>${STYLE}</style>
<details class="origin"><summary>Where these figures come from</summary>
${table(originRows(origin))}
<p>To run it again and compare each figure: <code>npm run reproduce -- PAGE</code></p></details>
<script type="application/json" id="run">${scriptData(shared)}</script>
`);
	const code = sectionsCode();
	for (const name of notebooks) {
		const file = join(reports, `${name}.html`);
		if (!existsSync(file)) continue;
		const page = readFileSync(file, "utf8");
		const at = page.lastIndexOf(END);
		if (at === -1) continue;
		const sections = String(interactiveSections(name, reports, embedded, code));
		writeFileAtomically(file, page.slice(0, at) + stamp + sections + page.slice(at));
	}
}

/**
 * Reads the record that a page carries.
 *
 * @throws when it has none
 */
export function stampOf(file: string): unknown {
	const [, json] = /<script type="application\/json" id="run">(.*)<\/script>/.exec(readFileSync(file, "utf8")) ?? [];
	if (!json) throw new Error("the page has no record of a run");
	return JSON.parse(json);
}
