import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { root, temporaryFolder } from "../helpers";

const VALUES = {
	whole: -3,
	fraction: 1.5e-7,
	text: "\"q\" 'q' `x` $ \\ // ; ü 😀 \u2028\nnew line </script>",
	yes: true,
	nothing: null,
	list: [1, "two", [false, null]],
	empty: [],
	nested: { "odd key": { deep: [{ a: 1 }] } },
};

const PARAMETERS = `let whole = 1; // a whole number
let fraction = 0.5; // a fraction
let text: string = "a; // b"; // a text
let yes = false;
let nothing: number | null = 1; // perhaps a number
let list = [1, 2]; // a list
let empty = [1];
let nested = { a: 1 }; // not JSON
`;

const SHOW = `import { home } from "./home";
const shown = JSON.stringify({ whole, fraction, text, yes, nothing, list, empty, nested });
console.log(JSON.stringify({ shown, home, folder: process.cwd() }));`;

/** A program of `.venv`, as a user types it who has nothing set up but the project. */
function program(name: "papermill" | "jupyter", folder: string, ...args: string[]) {
	const { status, stdout, stderr } = spawnSync(join(root, ".venv", "bin", name), args, {
		cwd: folder,
		encoding: "utf8",
		env: { ...process.env, JUPYTER_PREFER_ENV_PATH: "1" },
	});
	return { status, stdout, log: stdout + stderr };
}
const papermill = (folder: string, ...args: string[]) => program("papermill", folder, ...args);

function printedBy(notebook: string) {
	const { cells } = JSON.parse(readFileSync(notebook, "utf8"));
	const lines = cells.at(-1).outputs.flatMap(({ text = [] }: { text: string[] }) => text);
	return JSON.parse(lines.join(""));
}

describe("papermill and jupyter, called from another folder,", () => {
	const work = temporaryFolder();
	const [books, elsewhere] = ["books", "elsewhere"].map((name) => join(work, name));
	const notebook = join(books, "show.ipynb");

	before(() => {
		const cell = (source: string, tags: string[] = []) => ({
			cell_type: "code",
			execution_count: null,
			metadata: { tags },
			outputs: [],
			source,
		});
		const metadata = {
			kernelspec: { name: "tslab", display_name: "TypeScript", language: "typescript" },
			language_info: { name: "typescript" },
		};
		const cells = [cell(PARAMETERS, ["parameters"]), cell(SHOW)];
		for (const folder of [books, elsewhere]) {
			mkdirSync(folder);
			writeFileSync(join(folder, "home.ts"), `export const home = ${JSON.stringify(folder)};`);
		}
		writeFileSync(notebook, JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 4 }));
		// Read as YAML, for which this character would be a line break.
		writeFileSync(join(work, "values.json"), JSON.stringify(VALUES).replace("\u2028", "\\u2028"));
	});

	test("hands values over as they are, and starts the kernel in the notebook's folder", () => {
		const { status, log } = papermill(elsewhere, "../books/show.ipynb", "out.ipynb", "-f", "../values.json");
		assert.equal(status, 0, log);
		const { shown, home, folder } = printedBy(join(elsewhere, "out.ipynb"));
		assert.deepEqual(JSON.parse(shown), VALUES);
		assert.deepEqual([home, folder], [books, books]);
		assert.ok(!existsSync(join(books, "out.ipynb")));
		assert.doesNotMatch(log, /unknown parameter|introspection/);
	});

	for (const folder of [".", "../elsewhere"]) {
		test(`starts the kernel in --cwd ${folder}`, () => {
			const { status, log } = papermill(elsewhere, notebook, "cwd.ipynb", "--cwd", folder, "-p", "whole", "7");
			assert.equal(status, 0, log);
			const { shown, home } = printedBy(join(elsewhere, "cwd.ipynb"));
			assert.deepEqual([home, JSON.parse(shown).whole], [elsewhere, 7]);
		});
	}

	test("warns of parameters that the notebook does not declare, and of those only", () => {
		const { log } = papermill(
			elsewhere,
			notebook,
			"prepared.ipynb",
			"--prepare-only",
			"-p",
			"hole",
			"1",
			"-p",
			"whole",
			"2",
		);
		assert.deepEqual(log.match(/unknown parameter.*/g), ["unknown parameter: hole"]);
	});

	test("lists the parameters with their types, defaults and meanings", () => {
		const { log } = papermill(elsewhere, "--help-notebook", notebook);
		const listed = log.split(/^ {2}(?=\w)/m).slice(1);
		assert.deepEqual(
			listed.map((line) => line.trim().replace(/\s+/g, " ")),
			[
				"whole: number (default 1) a whole number",
				"fraction: number (default 0.5) a fraction",
				'text: string (default "a; // b") a text',
				"yes: boolean (default false)",
				"nothing: number | null (default 1) perhaps a number",
				"list: array (default [1, 2]) a list",
				"empty: array (default [1])",
				"nested: Unknown type (default { a: 1 }) not JSON",
			],
		);
	});

	test("jupyter execute runs it too, in its own folder", () => {
		const { status, log } = program("jupyter", elsewhere, "execute", notebook, "--output=executed.ipynb");
		assert.equal(status, 0, log);
		const { shown, home, folder } = printedBy(join(books, "executed.ipynb"));
		assert.deepEqual([JSON.parse(shown).whole, home, folder], [1, books, books]);
	});

	test("jupyter run runs a file of TypeScript", () => {
		const file = join(work, "program.ts");
		writeFileSync(file, 'const answer: number = 42;\nconsole.log("the answer is", answer);\n');
		const { status, stdout, log } = program("jupyter", elsewhere, "run", "--kernel=tslab", file);
		assert.equal(status, 0, log);
		assert.equal(stdout, "the answer is 42\n");
	});
});
