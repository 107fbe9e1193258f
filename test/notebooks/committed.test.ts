// The notebooks as they are in the repository.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { notebookNames } from "../../tools/jupyter/notebooks.mjs";
import { type Cell, readNotebook, text } from "./cells";

const names = notebookNames();

describe("each notebook, as committed,", () => {
	names.forEach((name, i) => {
		const { cells, metadata } = readNotebook(name);
		test(`${name}: no outputs, the tslab kernel, one parameters cell`, () => {
			assert.equal(metadata.kernelspec.name, "tslab");
			const code = cells.filter(({ cell_type }) => cell_type === "code");
			for (const { outputs, execution_count } of code) assert.deepEqual([outputs, execution_count], [[], null]);
			assert.equal(code.filter(({ metadata: { tags } }) => tags?.includes("parameters")).length, 1);
			assert.ok(code[0].metadata.tags?.includes("parameters"));
		});
		test(`${name}: values in Markdown are escaped`, () => {
			const calls = cells.flatMap((cell) => [
				...text(cell).matchAll(/showMarkdown\s*(?:\(\s*[^")]|\("[^"\n]*"(?!\)))[^\n]*/g),
			]);
			assert.deepEqual(
				calls.map(String),
				[],
				"as a template tag showMarkdown escapes values, as a function it does not",
			);
		});
		test(`${name}: a heading, prose before code, takeaways, and a link to the next`, () => {
			assert.match(text(cells[0]), /^# \w/);
			assert.ok(cells.some((cell) => cell.cell_type === "markdown" && /^## Takeaways/m.test(text(cell))));
			const next = names[(i + 1) % names.length];
			assert.ok(text(cells.at(-1) as Cell).includes(`(${next}.ipynb)`));
		});
	});
});
