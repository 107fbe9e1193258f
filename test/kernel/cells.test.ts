// What people write into cells by habit: exports, `var`, the commands of IPython.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type Cell, project, type Result, runCells, shown } from "./run-cells";

describe("a cell with exports", () => {
	const modifiers = [
		"export const x = 5;",
		"export default function f() { return 1; }",
		"export class A { n = 2; }",
		"export abstract class B {}",
		"export interface I { n: number }",
		"export type T = string | I;",
		"export enum E { one = 3 }",
		"export async function g() { return 4; }",
		"export namespace N { export const q = 5; }",
		"export let y = 6, z = 7;",
		"// export const gone = 1;\nexport /* this */ const { w } = { w: 8 };",
	].join("\n");
	const use = "const i: I = new A(); const t: T = i; [x, f(), i.n, E.one, await g(), N.q, y, z, w].join() + (typeof t)";
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			modifiers,
			modifiers,
			use,
			"const p = 1, q = 2; export { p, q as r }; export {}; p + q",
			"export {\n\tjoin,\n\tsep as slash,\n} from 'node:path'; export * as path from 'node:path'",
			"join('a', 'b') + slash + path.extname('c.ts')",
			"export default x + 1",
			"export const text = `\nexport const inside = 1;\n`; text",
			"const fine = 1;\nexport const bad: number = 'a';",
			"export const place = 1; throw new Error('here')",
		]);
	});

	test("runs, and runs again, as if they were not there", () => {
		for (const { error } of results.slice(0, 2)) assert.equal(error, null);
		assert.equal(shown(results[2]), "5,1,2,3,4,5,6,7,8object");
		assert.equal(shown(results[3]), "3");
		assert.equal(shown(results[6]), "6");
	});

	test("has the names that it exports from a module", () => {
		assert.equal(shown(results[5]), "a/b/.ts");
	});

	test("keeps what is no export, and the places of errors", () => {
		assert.equal(results[7].result?.["text/plain"], "\nexport const inside = 1;\n");
		assert.equal(results[8].error?.evalue, "2:14 - Type 'string' is not assignable to type 'number'.");
		assert.equal(results[8].error?.traceback[1], "    export const bad: number = 'a';");
		assert.deepEqual(results[9].error?.traceback, ["Error: here", "    at cell [10]:1:31"]);
	});
});

describe("a var inside a statement", () => {
	const declare = [
		"class Own { n = 1; }",
		"for (var i = 0; i < 3; i++) {}",
		"for (var key in { k: 1 }) {}",
		"for (var [first, { second }] of [[1, { second: 's' }] as const]) {}",
		"if (i > 0) { var inIf = { deep: [i] }; } else { var other: string | undefined; }",
		"try { var inTry = new Map<string, number>(); } finally { var own = new Own(); }",
		"switch (i) { case 3: label: { var inSwitch = true; break label; } }",
		"while (true) { await null; var awaited = 'a'; break; }",
	].join("\n");
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			declare,
			"[i, key, first, second, inIf.deep[0], other, inTry.size, own.n, inSwitch, awaited].join()",
			"i += 4; inTry.set('a', i); const read = () => i;",
			"i = 9; [read(), inTry.get('a')].join()",
			"own.m",
			"function f() { var local = 1; return local; }",
			"local",
			"for (var i = 0; i < 2; i++) {} var i = 5;",
			"i",
			"for (let inner = 0; inner < 2; inner++) { const block = 1; }",
			"inner",
		]);
	});

	test("is a variable of later cells, with its type and value", () => {
		assert.equal(results[0].error, null);
		assert.equal(shown(results[1]), "3,k,1,s,3,,0,1,true,a");
		assert.equal(shown(results[3]), "9,7");
		assert.equal(results[4].error?.evalue, "1:5 - Property 'm' does not exist on type 'Own'.");
	});

	test("can be declared again", () => {
		assert.equal(shown(results[8]), "5");
	});

	test("of a function, or declared with let, is none", () => {
		assert.match(results[6].error?.evalue ?? "", /Cannot find name 'local'/);
		assert.match(results[10].error?.evalue ?? "", /Cannot find name 'inner'/);
	});
});

describe("Python", () => {
	const answers: [cell: string, says: RegExp][] = [
		["for i in range(10):\n    f(i)", /'\(' expected\. .*for \(const x of list\)/],
		["if x > 3:\n    f(x)", /if \(x > 0\) \{/],
		["def f(x):\n    return x + 1", /function f\(/],
		["import numpy as np", /import \{ name \} from/],
		["from keras import layers", /import \{ name \} from/],
		['print("hello")', /Cannot find name 'print'\. .*console\.log/],
		["const flag = None", /true, false and null/],
		["const both = 1 and 2", /&& and \|\|/],
		["[i for i in x]", /list\.map/],
		["# a comment", /begins with \/\//],
		["Math.max(1, validation_data=3)", /\{ epochs: 5 \}/],
		["count = 3", /let x = …/],
	];
	const untouched: [cell: string, says: RegExp][] = [
		["const wrong = ;", /Expression expected\.$/],
		["fetchh('x')", /Did you mean 'fetch'\?$/],
		["const text: string = ((one = 1) => one)()", /not assignable to type 'string'\.$/],
		["throw new Error('Unknown name a_b c')", /^Unknown name a_b c$/],
		["throw new Error('Unknown loss mean_squared_error')", /did you mean meanSquaredError\?$/],
	];

	test("is answered with TypeScript's way to say it, and TypeScript is not", () => {
		const cells = [...answers, ...untouched];
		const results = runCells(
			"ours",
			project(),
			cells.map(([cell]) => cell),
		);
		for (const [i, [cell, says]] of cells.entries()) assert.match(results[i].error?.evalue ?? "", says, cell);
	});
});

describe("a command of IPython", () => {
	const answers: [cell: string, says: RegExp][] = [
		["%time x", /^1:1 - %time is a magic of IPython, .*Write \/\/ %time as the cell's first line/],
		["%%timeit\nx + 1", /^1:1 - %%timeit is a magic .*\/\/ %time/],
		["%prun x", /^1:1 - %prun is a magic .*\/\/ %profile as the cell's first line/],
		["let late = 1\n%matplotlib inline", /^2:1 - %matplotlib is a magic .*showFigure/],
		["%load_ext autoreload\n%autoreload 2", /^1:1 - %load_ext .*Leave it out/],
		["%pip install numpy", /npm install NAME/],
		["%unheard of", /%unheard is a magic of IPython/],
		["%%bash\nls -la | grep x", /%%bash .*execSync/],
		["!ls", /Cannot find name 'ls'\. .*execSync\("ls"\)/],
		["!ls -la *.ts", /^1:1 - !COMMAND is IPython's, .*execSync\("ls -la \*\.ts"\)/],
		["!pip install numpy", /npm install NAME/],
		["?x", /For help on x, press Shift\+Tab/],
		["x?", /For help on x, press Shift\+Tab/],
		["x.toFixed??", /For help on x\.toFixed, press Shift\+Tab/],
	];
	const untouched = [
		"const seven = 7\n  % 4; seven",
		"!x",
		"const quoted = `\n%time x\n!ls\n`; quoted.length",
		"const chosen = x\n\t? 1\n\t: 2; chosen",
	];
	let results: Result[];
	before(() => {
		const broken = "const text = `\n%time x\n`; const wrong: number = text";
		const cells: Cell[] = ["const x = 1", ...answers.map(([cell]) => cell), ...untouched, broken];
		results = runCells("ours", project(), cells).slice(1);
	});

	test("is answered with what to do instead", () => {
		for (const [i, [cell, says]] of answers.entries()) {
			assert.match(results[i].error?.evalue ?? "", says, cell);
			assert.equal(results[i].error?.traceback.length, 3, cell); // with the line and what underlines it
		}
	});

	test("is not seen in TypeScript that looks like one", () => {
		const rest = results.slice(answers.length);
		assert.deepEqual(rest.slice(0, -1).map(shown), ["3", "false", "13", "1"]);
		assert.equal(rest.at(-1)?.error?.evalue, "3:10 - Type 'string' is not assignable to type 'number'.");
	});
});
