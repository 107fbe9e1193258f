// The two readers of `parameters` cells, that of the command line and that of papermill, agree.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { declarations, declaredBy, notebookNames, title } from "../../tools/jupyter/notebooks.mjs";
import { root } from "../helpers";

/** Name, type, value and comment of a declaration, as written; null where there is none. */
type Row = [string, string | null, string, string | null];

/** Cells, and what both languages must read in them. */
const CASES: [string, Row[]][] = [
	["let epochs = 5; // at most", [["epochs", null, "5", "at most"]]],
	["let epochs = 5;", [["epochs", null, "5", null]]],
	["let epochs = 5; //", [["epochs", null, "5", ""]]],
	["let epochs=5;//at most", [["epochs", null, "5", "at most"]]],
	["let rate: number = 1e-3; // a // b; c", [["rate", "number", "1e-3", "a // b; c"]]],
	["let value: number | null = null;", [["value", "number | null", "null", null]]],
	['let text = "a; // b"; // a text', [["text", null, '"a; // b"', "a text"]]],
	['let text = "a \\"b\\"; c";', [["text", null, '"a \\"b\\"; c"', null]]],
	["let text = 'it; is'; // single", [["text", null, "'it; is'", "single"]]],
	["let text = `a;\"'b`;", [["text", null, "`a;\"'b`", null]]],
	['let two = "a" + "b;";', [["two", null, '"a" + "b;"', null]]],
	["let list = [1, 2]; // a list", [["list", null, "[1, 2]", "a list"]]],
	["let object = {\n  a: 1,\n}; // lines", [["object", null, "{\n  a: 1,\n}", "lines"]]],
	[
		"// Parameters\nlet a = 1; // one\n\nlet b = true;",
		[
			["a", null, "1", "one"],
			["b", null, "true", null],
		],
	],
	["let größe$_1 = 1; // ü 😀", [["größe$_1", null, "1", "ü 😀"]]],
	['let line = "a\u2028b"; // one\u2028line', [["line", null, '"a\u2028b"', "one\u2028line"]]],
	["const epochs = 5; // not let", []],
	["  let indented = 5;", []],
	["let open = 5", []],
	["let a = 1; let b = 2;", []],
	["let a = 1; console.log(a);", []],
	['let broken = "a; // b', []],
	["", []],
];

/** What papermill's plugin reads in each cell. */
function readByPython(sources: string[]): Row[][] {
	const code = `import json, sys
sys.path.insert(0, sys.argv[1])
from typescript_parameters import declarations
print(json.dumps([declarations(source) for source in json.load(sys.stdin)]))`;
	const plugin = join(root, "tools", "jupyter", "papermill");
	const options = { input: JSON.stringify(sources), encoding: "utf8" } as const;
	const { stdout, stderr } = spawnSync(join(root, ".venv", "bin", "python"), ["-c", code, plugin], options);
	assert.equal(stderr, "");
	return JSON.parse(stdout);
}

const readByNode = (source: string): Row[] =>
	declarations(source).map(({ name, type, value, comment }) => [name, type ?? null, value, comment ?? null]);

describe("a parameters cell", () => {
	const fromPython = readByPython(CASES.map(([source]) => source));
	CASES.forEach(([source, expected], i) => {
		test(JSON.stringify(source), () => {
			assert.deepEqual(readByNode(source), expected, "in JavaScript");
			assert.deepEqual(fromPython[i], expected, "in Python");
		});
	});
});

test("both read the cells of all notebooks, and a notebook's title is its first heading", () => {
	const names = notebookNames();
	const sources = names.map((name) => {
		const { cells } = JSON.parse(readFileSync(join(root, "notebooks", `${name}.ipynb`), "utf8"));
		const cell = cells.find(({ metadata }: { metadata: { tags?: string[] } }) => metadata.tags?.includes("parameters"));
		return cell.source.join("");
	});
	const fromPython = readByPython(sources);
	names.forEach((name, i) => {
		assert.deepEqual(readByNode(sources[i]), fromPython[i], name);
		assert.deepEqual(
			[...declaredBy(name)].map(([parameter, { value, comment }]) => [parameter, value, comment]),
			fromPython[i].map(([parameter, , value, comment]) => [parameter, JSON.parse(value), comment ?? ""]),
		);
	});
	assert.equal(title("04-training"), "Training");
});
