import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import compiler from "typescript";
import { root } from "../helpers";
import { type Cell, type Kernel, project, type Result, runCells, shown } from "./run-cells";

// Each fixed bug of tslab is run on our kernel and on tslab's own: ours must be right and tslab's wrong, so that a fix
// that is no longer needed is noticed.

/** What the last cell of each case must print. */
const cured: Record<string, { cells: string[]; prints: string }> = {
	"imports from ../src": {
		cells: ['import { doubled } from "../src/middle"; doubled'],
		prints: "2",
	},
	"circular imports": {
		cells: ['import { isEven } from "../src/even"; isEven(10)'],
		prints: "true",
	},
	"import.meta.url in an imported module": {
		cells: ['import { url } from "../src/where"; url.startsWith("file://")'],
		prints: "true",
	},
	"an earlier variable, reassigned, in a function of its cell": {
		cells: ["let count = 1; const read = () => count;", "count = 5; read()"],
		prints: "5",
	},
	"a function's assignment, read in a later cell": {
		cells: ["let hits = 0; function hit() { hits++; }", "hits = 10; hit(); hits"],
		prints: "11",
	},
	"{ name } with an earlier name": {
		cells: ["const width = 3;", "JSON.stringify({ width })"],
		prints: '{"width":3}',
	},
	"const { property: name } with an earlier name of the property": {
		cells: ["const size = { y: 2 }; const y = 7;", "const { y: height } = size; height + y"],
		prints: "9",
	},
	"({ name } = …) to an earlier variable": {
		cells: ["let depth = 0;", "({ depth } = { depth: 8 }); depth"],
		prints: "8",
	},
	"await (…)": { cells: ["const a = await (Promise.resolve(4)); a"], prints: "4" },
	"await […]": { cells: ["const b = (await [1, 2])[1]; b"], prints: "2" },
	"for await": { cells: ["for await (const c of [Promise.resolve(9)]) console.log(c)"], prints: "9" },
};

describe("cured bugs of tslab", () => {
	/** What the last cell of each case prints, all cases in one kernel. */
	const run = (kernel: Kernel) => {
		const cases = Object.values(cured);
		const results = runCells(
			kernel,
			project(),
			cases.flatMap(({ cells }) => cells),
		);
		return cases.map(({ cells }) => results.splice(0, cells.length).at(-1) as Result);
	};
	let ours: Result[];
	let stock: Result[];
	before(() => {
		ours = run("ours");
		stock = run("stock");
	});

	Object.entries(cured).forEach(([name, { prints }], i) => {
		test(name, () => {
			assert.equal(shown(ours[i]), prints, ours[i].error?.evalue);
			assert.notEqual(shown(stock[i]), prints, "the stock kernel does this right: the cure can go");
		});
	});
});

describe("an edit in src", () => {
	const run = (kernel: Kernel) => {
		const folder = project();
		const importing = 'import { doubled } from "../src/middle"; doubled';
		const edit = { file: join(folder, "src", "leaf.ts"), content: "export const value = 21;" };
		return runCells(kernel, folder, [importing, edit, importing]).map(shown);
	};
	test("is picked up through the module that imports it", () => {
		assert.deepEqual(run("ours"), ["2", "42"]);
	});
});

test("a file that is new or gone, where a module was looked for, does not stop the next cell", () => {
	const folder = project();
	const files = ["leaf", "other"].map((name) => ({ file: join(folder, "notebooks", `${name}.ts`), content: "" }));
	const importing = 'import { value } from "./other"; value';
	const results = runCells("ours", folder, [
		importing,
		...files,
		"1 + 1",
		{ ...files[1], content: "export const value = 3;" },
		importing,
	]);
	assert.deepEqual(results.slice(1).map(shown), ["2", "3"]);
});

test("what an earlier kernel found out about modules holds only as long as they and what they import stay", () => {
	const folder = project();
	const leaf = join(folder, "src", "leaf.ts");
	const run = (content: string) => {
		writeFileSync(leaf, content);
		const [{ result, error }] = runCells("ours", folder, ['import { doubled } from "../src/middle"; doubled']);
		return result?.["text/plain"] ?? error?.traceback[0].split(" - ")[0];
	};
	const wrong = 'export const value = "1";';
	const runs = ["export const value = 1;", wrong, wrong, "export const value = 21;"];
	assert.deepEqual(runs.map(run), ["2", "../src/middle.ts 2:24", "../src/middle.ts 2:24", "42"]);
});

describe("modules", () => {
	let folder: string;
	let results: Result[];
	before(() => {
		folder = project();
		const file = join(folder, "src", "leaf.ts");
		results = runCells("ours", folder, [
			{ file, content: 'export const value: number = "1";' },
			'import { doubled } from "../src/middle"; doubled',
			{ file, content: "export const value = 1;\nexport function fail(): void {\n\tthrow new Error('here');\n}" },
			'import { fail } from "../src/leaf"; fail()',
			"/** @module helper */ export const helped = 5;",
			'import { helped } from "./helper"; helped',
		]);
	});

	test("with type errors stop the cell that imports them, with file and line", () => {
		const message = "../src/leaf.ts 1:14 - Type 'string' is not assignable to type 'number'.";
		assert.deepEqual(results[0].error?.traceback, [message]);
	});

	test("stand in stacks with the lines of their TypeScript", () => {
		assert.deepEqual(results[1].error?.traceback, [
			"Error: here",
			"    at fail (../src/leaf.ts:3:8)",
			"    at cell [2]:1:41",
		]);
	});

	test("can be cells", () => {
		assert.equal(shown(results[3]), "5");
	});
});

describe("tslab's own module", () => {
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			'import * as tslab from "tslab"; tslab.display.html("<b>1</b>"); tslab.display.png(Buffer.from([1, 2, 3]))',
			'const shown = tslab.newDisplay(); shown.text("first"); await null; shown.text("second")',
			"tslab.versions.typescript",
		]);
	});

	test("shows HTML and images", () => {
		const data = results[0].displays.map((display) => display.data);
		assert.deepEqual(data, [{ "text/html": "<b>1</b>" }, { "image/png": "AQID" }]);
	});

	test("updates what it has shown", () => {
		const [first, second] = results[1].displays;
		assert.deepEqual([first.data, second.data], [{ "text/plain": "first" }, { "text/plain": "second" }]);
		assert.equal(first.transient.display_id, second.transient.display_id);
		const kinds = results[1].messages.filter((kind) => kind.endsWith("display_data"));
		assert.deepEqual(kinds, ["display_data", "update_display_data"]);
	});

	test("names the compiler's version", () => {
		assert.equal(shown(results[2]), compiler.version);
	});
});

describe("kernel_info", () => {
	test("names tslab and the TypeScript that compiles cells", () => {
		const [{ reply }] = runCells("ours", project(), [{ info: true }]);
		type Info = { implementation: string; implementation_version: string; language_info: Record<string, unknown> };
		const { implementation, implementation_version, language_info } = reply as unknown as Info;
		const { version } = JSON.parse(readFileSync(join(root, "node_modules", "tslab", "package.json"), "utf8"));
		assert.deepEqual([implementation, implementation_version], ["tslab", version]);
		assert.deepEqual([language_info.name, language_info.version], ["typescript", compiler.version]);
	});
});

describe("Jupyter messages", () => {
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			"1 + 1",
			'interface Depth { metres: number }\n\nfunction deep({ metres }: Depth) {\n  if (metres > 2)\n    throw new RangeError("too far");\n}\n\ndeep({ metres: 3 })',
			'const other = "fine";\nconst text: string = 5;',
			'await Promise.reject(new TypeError("later"))',
			'throw "just a string"',
			'import { twice } from "../src/strict"; let maybe: number | undefined; twice(maybe)',
			"2 + 2",
			"for (let i = 0; i < 3000; i++) console.log(String(i).padStart(1000))",
			"3 + 3",
		]);
	});

	test("a cell's code is announced with its count", () => {
		assert.ok(results[0].messages.includes("execute_input"));
		assert.deepEqual(
			results.map(({ reply }) => reply.execution_count),
			[1, 2, 3, 4, 5, 6, 7, 8, 9],
		);
	});

	test("an error has name, message and a stack of the cell's own lines", () => {
		const { error, reply } = results[1];
		assert.deepEqual([error?.ename, error?.evalue], ["RangeError", "too far"]);
		assert.deepEqual([reply.status, reply.ename, reply.evalue], ["error", "RangeError", "too far"]);
		assert.deepEqual(error?.traceback, ["RangeError: too far", "    at deep (cell [2]:5:11)", "    at cell [2]:8:1"]);
	});

	test("a type error shows its place in the cell, which does not run", () => {
		const { error } = results[2];
		assert.equal(error?.ename, "TypeScriptError");
		assert.equal(error?.evalue, "2:7 - Type 'number' is not assignable to type 'string'.");
		assert.deepEqual(error?.traceback, [error?.evalue, "    const text: string = 5;", "          ~~~~"]);
	});

	test("errors of awaited promises, and things thrown that are no errors", () => {
		assert.deepEqual([results[3].error?.ename, results[3].error?.evalue], ["TypeError", "later"]);
		assert.equal(results[4].error?.evalue, "just a string");
	});

	test("cells are checked as strictly as src", () => {
		assert.match(
			results[5].error?.evalue ?? "",
			/'number \| undefined' is not assignable to parameter of type 'number'/,
		);
	});

	test("a burst of output arrives whole and in order, and the kernel goes on", () => {
		const lines = results[7].stdout.trimEnd().split("\n").map(Number);
		assert.deepEqual(
			lines,
			Array.from({ length: 3000 }, (_, i) => i),
		);
		assert.equal(shown(results[8]), "6");
	});

	test("the next cell runs", () => {
		assert.equal(shown(results[6]), "4");
	});
});

describe("values that end a cell", () => {
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			"1 + 1",
			"'text'",
			"({ [Symbol.for('Jupyter.display')]() { return { 'text/html': '<b>2</b>', 'text/plain': '2' } } })",
			"({ async [Symbol.for('Jupyter.display')]() { return { 'text/markdown': '*later*' } } })",
			"undefined",
			'import { DataFrame } from "danfojs-node"; new DataFrame([{ name: "<a>", n: 1 }])',
		]);
	});

	test("are results of the cell, as text", () => {
		assert.deepEqual(results[0].result, { "text/plain": "2" });
		assert.deepEqual(results[1].result, { "text/plain": "text" });
		assert.equal(results[4].result, null);
	});

	test("are shown as they say by Jupyter.display, also when that takes time", () => {
		assert.deepEqual(results[2].result, { "text/html": "<b>2</b>", "text/plain": "2" });
		assert.deepEqual(results[3].result, { "text/markdown": "*later*" });
	});

	test("are tables if they are DataFrames", () => {
		assert.match(results[5].result?.["text/html"] ?? "", /^<table.*&lt;a&gt;/);
		assert.equal(results[5].result?.["text/plain"], "name\tn\n<a>\t1");
	});
});

describe("a cell that fails", () => {
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			{ together: ["let kept = 1", "throw new Error('stop')", "kept = 2", "kept = 3"] },
			"kept",
			"const early = 5; if (early) throw new Error('half way'); const late = 6;",
			"early",
			"late",
		]);
	});

	test("stops those that wait, as ipykernel does, and the next one runs at once", () => {
		assert.deepEqual(results[0].statuses, ["ok", "error", "aborted", "aborted"]);
		assert.equal(shown(results[1]), "1");
	});

	test("leaves what it had set by then, and nothing that it had not", () => {
		assert.equal(shown(results[3]), "5");
		assert.equal(results[4].error?.evalue, "Cannot access 'late' before initialization");
	});
});

describe("an import of a name that moved, or of a package", () => {
	let results: Result[];
	before(() => {
		const folder = project();
		mkdirSync(join(folder, "src", "room"));
		const file = "export const moved = 7;\nexport type Shape = number[];";
		writeFileSync(join(folder, "src", "room", "file.ts"), file);
		writeFileSync(join(folder, "src", "room.ts"), 'export { moved, type Shape } from "./room/file";');
		results = runCells("ours", folder, [
			'import { moved } from "../src/leaf";',
			'import { moved as seven, type Shape } from "../src/gone";',
			'import { nowhere } from "../src/leaf";',
			'import { moved } from "../src/room";\nmoved',
			'import { a } from "@scope/nowhere/file";',
		]);
	});

	test("of a package that is not there says where to install it", () => {
		assert.match(
			results[4].error?.evalue ?? "",
			/Cannot find module '@scope\/nowhere\/file': npm install @scope\/nowhere in the notebook's folder\.$/,
		);
	});

	test("is a type error that names the door that exports it now", () => {
		assert.match(results[0].error?.evalue ?? "", /no exported member 'moved': moved is exported by \.\.\/src\/room\.$/);
		assert.match(
			results[1].error?.evalue ?? "",
			/Cannot find module '\.\.\/src\/gone'.*: moved is exported by \.\.\/src\/room, Shape is exported by \.\.\/src\/room\.$/,
		);
		assert.match(results[2].error?.evalue ?? "", /no exported member 'nowhere'\.$/);
		assert.equal(shown(results[3]), "7");
	});
});

test("an import finds a package that was installed after it had failed, also next to others of its scope", () => {
	const folder = project();
	const packages = join(folder, "node_modules");
	rmSync(packages);
	mkdirSync(join(packages, "@scope", "early"), { recursive: true });
	symlinkSync(join(root, "node_modules", "@types"), join(packages, "@types"));
	const install = (name: string) => `
		import { mkdirSync, writeFileSync } from "node:fs";
		mkdirSync("../node_modules/${name}");
		writeFileSync("../node_modules/${name}/index.js", "exports.word = '${name}';");
		writeFileSync("../node_modules/${name}/index.d.ts", "export const word: string;");
		writeFileSync("../node_modules/.package-lock.json", "{}");
		await new Promise((resolve) => setTimeout(resolve, 200));`;
	const cells = ["late", "@scope/late"].flatMap((name) => {
		const use = `import { word } from "${name}"; word`;
		return [use, install(name), use];
	});
	assert.deepEqual(
		runCells("ours", folder, cells).map((result) => result.error?.ename ?? shown(result)),
		["TypeScriptError", "", "late", "TypeScriptError", "", "@scope/late"],
	);
});

describe("the interrupt button", () => {
	const listening = `await new Promise((resolve) => {
		const { signal } = (globalThis as any)[Symbol.for("tslab.kernel")].current();
		signal.addEventListener("abort", () => setTimeout(() => resolve("so far"), 300));
	})`;
	let results: Result[];
	before(() => {
		const [, ...rest] = runCells("ours", project(), [
			"'ready'",
			{ code: "let turns = 0; for (;;) { await new Promise((r) => setTimeout(r, 10)); turns++; }", interrupt: [0.5] },
			"await new Promise((r) => setTimeout(r, 50)); const before = turns; await new Promise((r) => setTimeout(r, 200)); turns - before",
			{ code: "for (;;) {}", interrupt: [0.5] },
			{ code: "await new Promise(() => {})", interrupt: [0.5] },
			{ code: "await new Promise((r) => setTimeout(r, 10)); for (;;) {}", interrupt: [0.5] },
			{ code: `const answer: any = ${listening};\nawait 0; let after = 1;`, interrupt: [0.5] },
			"answer",
			"after",
			{
				code: "await new Promise(() => (globalThis as any)[Symbol.for('tslab.kernel')].current().signal.addEventListener('abort', () => {}))",
				interrupt: [0.3, 0.6],
			},
		] as Cell[]);
		results = rest;
	});
	const interrupted = (result: Result) => assert.deepEqual(result.error?.traceback, ["Interrupted"]);

	test("ends a loop that awaits, and it does not go on behind", () => {
		interrupted(results[0]);
		assert.equal(shown(results[1]), "0");
	});

	test("ends a loop that does not, also one after an await, and a cell that waits for ever", () => {
		interrupted(results[2]);
		interrupted(results[3]);
		interrupted(results[4]);
	});

	test("lets work that listens come to its end: its result is kept, the rest of the cell does not run", () => {
		interrupted(results[5]);
		assert.ok(results[5].seconds >= 0.8);
		assert.equal(shown(results[6]), "so far");
		assert.equal(results[7].error?.ename, "ReferenceError");
	});

	test("pressed twice does not wait", () => {
		interrupted(results[8]);
		assert.ok(results[8].seconds < 1.5);
	});
});

describe("comms", () => {
	let results: Result[];
	before(() => {
		const open = `const kernel = (globalThis as any)[Symbol.for("tslab.kernel")];
			const heard: unknown[] = [];
			const comm = kernel.openComm("jupyter.widget", { state: { value: 1 } }, {
				metadata: { version: "2.1.0" },
				onMessage(data: unknown) { heard.push(data); console.log("heard"); comm.send({ echo: data }); },
			});`;
		results = runCells("ours", project(), [open, { comm: 0, data: { value: 7 } }, "heard"]);
	});

	test("open with state and version, and speak both ways", () => {
		const [opened] = results[0].comms;
		assert.deepEqual(
			[opened.type, opened.target_name, opened.data],
			["comm_open", "jupyter.widget", { state: { value: 1 } }],
		);
		assert.deepEqual(
			results[1].comms.map(({ type, data }) => [type, data]),
			[["comm_msg", { echo: { value: 7 } }]],
		);
		assert.equal(shown(results[2]), "[ { value: 7 } ]");
	});

	test("what a comm's handler prints goes to the front end", () => {
		assert.equal(results[1].stdout, "heard\n");
	});
});

describe("typing help", () => {
	const strict = "import { twice } from '../src/strict';";
	type Completion = { matches: string[]; cursor_start: number; cursor_end: number; metadata: object };
	type Inspection = { found: boolean; data: Record<string, string> };
	let replies: unknown[];
	before(() => {
		const results = runCells("ours", project(), [
			`${strict} const options: { epochs?: number; patience?: number } = {};`,
			{ complete: "options.ep", at: 10 },
			{ complete: "import { tw } from '../src/strict'", at: 11 },
			{ inspect: "twice(1)", at: 3 },
			{ inspect: "twice([1, 2].length + ", at: 22 },
			{ inspect: "1 + 1", at: 3 },
			{ inspect: 'import { readFileSync } from "node:fs"', at: 12 },
			{ complete: 'import { twice } from "../src/st"', at: 32 },
		]);
		replies = results.map(({ reply }) => reply);
	});

	test("completes members and what a module of ours exports, with their kinds", () => {
		const member = replies[1] as Completion;
		assert.deepEqual([member.matches, member.cursor_start, member.cursor_end], [["epochs"], 8, 10]);
		const kinds = [{ text: "epochs", type: "property", start: 8, end: 10 }];
		assert.deepEqual(member.metadata, { _jupyter_types_experimental: kinds });
		assert.deepEqual((replies[2] as Completion).matches, ["twice"]);
	});

	test("completes the path of a module", () => {
		const { matches, cursor_start, cursor_end } = replies[7] as Completion;
		assert.deepEqual([matches, cursor_start, cursor_end], [["strict"], 30, 32]);
	});

	test("shows a function's type and docstring, on its name and within its arguments", () => {
		for (const { found, data } of [replies[3], replies[4]] as Inspection[]) {
			assert.ok(found);
			assert.match(
				data["text/plain"],
				/twice\(x: number\): number[\s\S]*Doubles a number\.\n@param x any number\n@throws never/,
			);
			assert.match(
				data["text/markdown"],
				/^```typescript\n.*twice[\s\S]*```\n\nDoubles a number\.\n\n- \*\*x\*\* any number\n- \*\*throws\*\* never$/,
			);
		}
		assert.equal((replies[5] as Inspection).found, false);
	});

	test("shows the documentation of packages", () => {
		assert.match((replies[6] as Inspection).data["text/plain"], /Returns the contents of the `path`/);
	});
});
