// What one may write in a cell: what type-checks runs, and what does not run is a type error that says what to do.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { libraries } from "../../tools/kernel/libraries";
import { checkCells, project, type Result, runCells, shown } from "./run-cells";

test("using and await using dispose at the end of their block, function, loop or cell", () => {
	checkCells(project(), [
		[
			"class R implements Disposable { constructor(readonly name: string) {} [Symbol.dispose]() { console.log('-', this.name); } }",
			"",
		],
		["class A implements AsyncDisposable { async [Symbol.asyncDispose]() { console.log('- async'); } }", ""],
		["{ using r = new R('block'); console.log(r.name); }", "block\n- block"],
		["function f() { using r = new R('function'); return r.name; } f()", "- function"],
		["for (using r of [new R('1'), new R('2')]) console.log(r.name);", "1\n- 1\n2\n- 2"],
		["{ await using a = new A(); console.log(a instanceof A); }", "true\n- async"],
		["for (await using a of [new A()]) console.log(a instanceof A);", "true\n- async"],
		["await using top = new A(); console.log(1); const kept = 5;", "1\n- async"],
		["kept", "5"],
		["using shown = new R('cell'); throw new Error('after')", /Error: after\n {4}at cell \[10\]:1:36/],
	]);
});

test("a cell's value is its last expression, also after a using and before types", () => {
	const folder = project();
	const disposable = "{ [Symbol.dispose]() {}, async [Symbol.asyncDispose]() {} }";
	checkCells(folder, [
		[`using a = ${disposable}; 1 + 1`, "2"],
		[`await using b = ${disposable}; 2 + 2; interface Later { n: number }`, "4"],
		["3 + 3; type Other = string; declare const nowhere: number;", "6"],
	]);
});

test("decorators are ECMAScript's, in cells and in src", () => {
	const folder = project();
	const decorate =
		"export function twice(method: () => number, _: ClassMethodDecoratorContext) { return function (this: object) { return 2 * method.call(this); }; }";
	writeFileSync(join(folder, "src", "twice.ts"), `${decorate}\nexport class A { @twice four() { return 2; } }`);
	checkCells(folder, [
		['import { A, twice } from "../src/twice"; new A().four()', "4"],
		["class B { @twice six() { return 3; } } new B().six()", "6"],
		[
			"const tag = <T extends new () => object>(target: T, _: ClassDecoratorContext) => target; @tag class C {} C.name",
			"C",
		],
		["function plus(_: undefined, context: ClassFieldDecoratorContext) { return (n: number) => n + 1; }", ""],
		["class D { @plus x = 1; accessor y = 5; } const d = new D(); d.x + d.y", "7"],
		["function old(target: object, key: string) {} class E { @old x = 1; }", /^1:\d+ - .*decorator/],
	]);
});

test("import.meta, __dirname and require are the notebook's, and a text that names them stays", () => {
	const folder = project();
	const notebooks = join(folder, "notebooks");
	checkCells(folder, [
		["import.meta.dirname", notebooks],
		["new URL('./data.csv', import.meta.url).pathname", join(notebooks, "data.csv")],
		["import.meta.resolve('node:fs')", "node:fs"],
		["'import.meta.url'", "import.meta.url"],
		["__dirname", notebooks],
		[
			`import { dirname } from "node:path"; import { fileURLToPath } from "node:url"; const __dirname = dirname(fileURLToPath(import.meta.url)); const __private = 2;`,
			"",
		],
		["__dirname + __private", `${notebooks}2`],
		["require('node:fs').existsSync('/')", "true"],
	]);
});

test("namespaces and additions to types are known to all later cells, until they are declared again", () => {
	checkCells(project(), [
		[
			"namespace N { export const q = 1; export type T = string; } declare global { interface Array<T> { own?: T } }",
			"",
		],
		['declare module "node:os" { export const added: number | undefined; }', ""],
		["1", "1"],
		["const t: N.T = 'type'; [N.q, t, [1].own].join()", "1,type,"],
		['import { added } from "node:os"; String(added)', "undefined"],
		["namespace N { export const r = 2; } N.r", "2"],
		["1", "1"],
		["N.r", "2"],
		["N.q", /Property 'q' does not exist/],
	]);
});

test("what TypeScript could not export from a module runs too, and later cells have it", () => {
	checkCells(project(), [
		["function make() { class Local { private n = 1; get twice() { return 2 * this.n; } } return new Local(); }", ""],
		["const Anonymous = class { #n = 3; read() { return this.#n; } }; const made = make();", ""],
		["[made.twice, make().twice, new Anonymous().read()].join()", "2,2,3"],
		[
			"function Mixin<T extends new (...args: any[]) => object>(Base: T) { return class extends Base { protected x = 4; }; }",
			"",
		],
		["class Mixed extends Mixin(Object) { y = this.x; } new Mixed().y", "4"],
		["const [path, fs] = await Promise.all([import('node:path'), import('node:fs')]); path.sep", "/"],
		["fs.existsSync(path.sep)", "true"],
		[
			"function own() { class L { private n = 1; } return new L(); } const wrong: number = own();",
			/^1:\d+ - Type 'L' is not/,
		],
	]);
});

test("what Node cannot run is a type error that says what to do", () => {
	const folder = project();
	writeFileSync(join(folder, "src", "awaits.ts"), "export const late = 1;\nawait null;");
	writeFileSync(join(folder, "src", "names.ts"), "export const before = 1;\nconst __dirname = before;");
	checkCells(folder, [
		[
			'import { late } from "../src/awaits";',
			/^\.\.\/src\/awaits\.ts 2:1 - .*export an async function, and await its call in a cell\.$/,
		],
		['import { before } from "../src/names";', /^\.\.\/src\/names\.ts 2:7 - A module has '__dirname' already: leave/],
		["let exports = 5;", /^1:5 - A cell has 'exports' already: leave its declaration out/],
		["const require = 5;", /^1:7 - A cell has 'require' already/],
		["document.title", /^1:1 - Cannot find name 'document'\. Cells run in Node, which has no page: display\.html/],
	]);
});

test("cells know what their Node has, and say from which Node on there is more", () => {
	assert.deepEqual(libraries("20.19.0"), ["lib.es2023.d.ts"]);
	assert.deepEqual(libraries("22.0.0"), ["lib.es2024.d.ts"]);
	assert.deepEqual(libraries("26.1.0"), ["lib.es2025.d.ts", "lib.esnext.disposable.d.ts"]);
	const major = Number(process.versions.node.split(".")[0]);
	checkCells(project(), [
		[
			"Object.keys(Object.groupBy([1, 2, 3], (n) => (n % 2 ? 'odd' : 'even'))).join()",
			major >= 22 ? "odd,even" : /it comes with Node 22\./,
		],
	]);
});

describe("errors", () => {
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			"function fail() {\n  throw new Error('deep');\n}\nconst made = new Error('made');",
			"setTimeout(fail, 5);\nPromise.reject(new Error('rejected'));\nawait new Promise((resolve) => setTimeout(resolve, 50));",
			"made.stack",
			"try { fail(); } catch (error) { console.error(error); }",
			"throw new Error('outer', { cause: made })",
			"const later = async () => { await null; fail(); };\nawait later();",
		]);
	});

	test("in timers, and of promises that nobody awaits, have the lines of the cells", () => {
		const { stderr } = results[1];
		assert.match(stderr, /UncaughtException: Error: deep\n {4}at .*fail.* \(cell \[1\]:2:9\)\n/);
		assert.match(stderr, /UnhandledPromiseRejection: Error: rejected\n {4}at cell \[2\]:2:16\n/);
		assert.doesNotMatch(stderr, /node:|main\.cjs/);
	});

	test("have them in stack, when they are printed, as a cause and across awaits", () => {
		assert.equal(shown(results[2]), "Error: made\n    at cell [1]:4:14");
		assert.equal(results[3].stderr, "Error: deep\n    at fail (cell [1]:2:9)\n    at cell [4]:1:7\n");
		const causes = ["Error: outer", "    at cell [5]:1:7", "Caused by Error: made", "    at cell [1]:4:14"];
		assert.deepEqual(results[4].error?.traceback, causes);
		assert.deepEqual(results[5].error?.traceback.slice(0, 3), [
			"Error: deep",
			"    at fail (cell [1]:2:9)",
			"    at later (cell [6]:1:41)",
		]);
	});
});
