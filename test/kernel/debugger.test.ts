// The debugger, by the requests that JupyterLab sends. The lab's side of it is in test/notebooks/debugger-lab.test.ts.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { murmur2 } from "../../tools/kernel/debugger/cell-path";
import { root } from "../helpers";
import { type Body, DebugSession } from "./debug-session";
import { project } from "./run-cells";

/** A project whose module has lines to stop at. */
function projectToDebug(): string {
	const folder = project();
	const lines = [
		'import { value } from "./leaf";',
		"",
		"export function scale(x: number): number {",
		"\t// a comment",
		"\tconst scaled = x * value;",
		"\treturn scaled;",
		"}",
	];
	writeFileSync(join(folder, "src", "scale.ts"), lines.join("\n"));
	return folder;
}

/** Starts a session before the tests of a suite, and ends it after them. */
function sessionOf(start: (folder: string) => Promise<DebugSession>, folder = projectToDebug()) {
	const holder = { folder } as { folder: string; session: DebugSession };
	before(async () => {
		holder.session = await start(folder);
	});
	after(() => holder.session?.end());
	return holder;
}

test("the path of a cell has ipykernel's hash", () => {
	const texts = ["", "a", "ab", "abc", "abcd", "let x = 1;\n", "é€😀", `${"x".repeat(1001)}ü`];
	const code = `
import json, sys
from ipykernel.compiler import get_tmp_hash_seed, murmur2_x86
print(json.dumps([get_tmp_hash_seed(), [murmur2_x86(text, get_tmp_hash_seed()) for text in json.loads(sys.argv[1])]]))`;
	const python = join(root, ".venv", "bin", "python");
	const [seed, hashes] = JSON.parse(
		execFileSync(python, ["-c", code, JSON.stringify(texts)], { encoding: "utf8" }),
	) as [number, number[]];
	assert.deepEqual(
		texts.map((text) => murmur2(text, seed)),
		hashes,
	);
});

for (const [how, start] of [
	["without a debugger", DebugSession.start],
	["with a debugger", DebugSession.attached],
] as const) {
	describe(`variables, ${how}`, () => {
		const held = sessionOf(start);
		const variable = async (name: string) => {
			const { variables } = await held.session.request("inspectVariables");
			return variables.find((each: Body) => each.name === name);
		};
		const unfolded = async (name: string, page: object = {}) => {
			const { variablesReference } = await variable(name);
			return (await held.session.request("variables", { variablesReference, ...page })).variables as Body[];
		};
		const short = (variables: Body[]) => variables.map(({ name, value }) => `${name}: ${value}`);

		before(async () => {
			await held.session.run(`
				import { doubled } from "../src/middle";
				const count = 3; const ratio = 0.5; const big = 1e300; const yes = true; const text = "a\\nb";
				const nothing = null; let later: number | undefined;
				const list = [1, "two", [3]]; const point = { x: 1, y: { z: 2 } };
				const bytes = new Uint8Array(2 ** 30);
				const map = new Map<unknown, number>([["a", 1], [{}, 2]]); const set = new Set([5]);
				function add() {} class Point { constructor(readonly x: number) {} get norm() { return this.x; } }
				const made = new Point(4);
				const faulty = { get bad(): number { throw new Error("boom"); }, good: 1 };
				const trap = new Proxy({}, { get() { throw new Error("trap"); }, ownKeys() { throw new Error("trap"); } });
				const circle: { self?: object } = {}; circle.self = circle;`);
		});

		test("are listed with type and value, functions and imports last", async () => {
			const { variables } = await held.session.request("inspectVariables");
			const shown = Object.fromEntries(variables.map(({ name, type, value }: Body) => [name, `${type} ${value}`]));
			assert.deepEqual(Object.keys(shown).slice(-3), ["add", "Point", "doubled"]);
			assert.deepEqual(shown, {
				...{ count: "int 3", ratio: "float 0.5", big: "float 1e+300", yes: "bool true", text: "str 'a\\nb'" },
				...{ nothing: "null null", later: "undefined undefined", list: "Array(3) [ 1, 'two', [Array] ]" },
				...{ point: "Object { x: 1, y: [Object] }", map: "Map(2) Map(2) { 'a' => 1, {} => 2 }" },
				set: "Set(1) Set(1) { 5 }",
				bytes: "Uint8Array(1073741824) Uint8Array(1073741824) [ 0, 0, 0, 0, 0, ... 1073741819 more items ]",
				...{ add: "function [Function: add]", Point: "function [class Point]", made: "Point Point { x: 4 }" },
				...{
					faulty: "Object { bad: [Getter], good: 1 }",
					trap: "Proxy Proxy [ {}, [Object] ]",
				},
				...{ circle: "Object <ref *1> { self: [Circular *1] }", doubled: "int 2" },
			});
		});

		test("unfold to elements and properties; a getter that throws shows its error", async () => {
			assert.deepEqual(short(await unfolded("list")), ["0: 1", "1: 'two'", "2: [ 3 ]"]);
			assert.deepEqual(short(await unfolded("point")), ["x: 1", "y: { z: 2 }"]);
			assert.deepEqual(short(await unfolded("map")), ["'a': 1", "{}: 2"]);
			assert.deepEqual(short(await unfolded("set")), ["0: 5"]);
			assert.deepEqual(short(await unfolded("made")), ["x: 4", "norm: 4"]);
			assert.deepEqual(short(await unfolded("faulty")), ["bad: Error: boom", "good: 1"]);
			assert.equal((await variable("trap")).variablesReference, 0);
			const [{ variablesReference }] = await unfolded("circle");
			assert.equal(variablesReference, (await variable("circle")).variablesReference);
		});

		test("with many elements fold into groups of groups, and are returned by page", async () => {
			const { indexedVariables } = await variable("bytes");
			assert.equal(indexedVariables, 2 ** 30);
			let [first] = await unfolded("bytes");
			const names = [];
			while (first.variablesReference) {
				names.push(first.name);
				const { variables } = await held.session.request("variables", { variablesReference: first.variablesReference });
				assert.ok(variables.length <= 100);
				[first] = variables;
			}
			assert.deepEqual(names, ["[0 … 99999999]", "[0 … 999999]", "[0 … 9999]", "[0 … 99]"]);
			assert.deepEqual(short(await unfolded("bytes", { start: 2 ** 30 - 2, count: 5 })), [
				"1073741822: 0",
				"1073741823: 0",
			]);
			assert.deepEqual(short(await unfolded("list", { start: 1, count: 1, filter: "indexed" })), ["1: 'two'"]);
			assert.deepEqual(await unfolded("list", { filter: "named" }), []);
			assert.deepEqual(short(await unfolded("point", { start: 1, count: 1 })), ["y: { z: 2 }"]);
		});

		test("that a failed cell did not come to are left out", async () => {
			held.session.execute('const before = 1; throw new Error("here"); const unreached = 2;');
			await held.session.executed();
			assert.equal((await variable("before")).value, "1");
			assert.equal(await variable("unreached"), undefined);
		});

		test("are shown as a cell shows them", async () => {
			await held.session.run(`const shown = { [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>1</b>" }) };
				const slowly = { [Symbol.for("Jupyter.display")]: async () => ({ "text/html": "<b>2</b>" }) };`);
			const rich = async (variableName: string) =>
				(await held.session.request("richInspectVariables", { variableName })).data;
			assert.deepEqual(await rich("shown"), { "text/html": "<b>1</b>" });
			assert.deepEqual(await rich("slowly"), { "text/html": "<b>2</b>" });
			assert.deepEqual(await rich("nothing"), { "text/plain": "null" });
			const { success, message } = await held.session.reply("richInspectVariables", { variableName: "missing" });
			assert.deepEqual([success, message], [false, "ReferenceError: missing is not defined"]);
		});

		test("can be evaluated, as TypeScript, and assigned", async () => {
			const evaluate = async (expression: string) => {
				const { success, message, body } = await held.session.reply("evaluate", { expression });
				return success ? body.result : message;
			};
			assert.equal(await evaluate("(count as number) + point.y.z + doubled"), "7");
			assert.equal(await evaluate("{ count, n: count }"), "{ count: 3, n: 3 }");
			assert.equal(await evaluate("[1, 2].map((count) => [count * 2])"), "[ [ 2 ], [ 4 ] ]");
			await evaluate("later = 9");
			assert.equal(await held.session.run("later"), "9");
			assert.equal(await evaluate("count +"), "SyntaxError: Expression expected.");
			assert.equal(await evaluate("nobody"), "ReferenceError: nobody is not defined");
			assert.equal(await evaluate('(() => { throw new TypeError("no") })()'), "TypeError: no");
		});

		test("of a reference that does not exist are an error", async () => {
			const { success, message } = await held.session.reply("variables", { variablesReference: 12345 });
			assert.deepEqual([success, message], [false, "12345 refers to no variable: ask for variables or scopes again"]);
		});
	});
}

describe("breakpoints", () => {
	const held = sessionOf(DebugSession.attached);
	const module = () => join(held.folder, "src", "scale.ts");

	test("on a blank line, a comment or a type move to the next statement", async () => {
		const code = [
			"// a comment",
			"",
			"interface Size { width: number }",
			"let unset: Size;",
			"const size: Size = {",
			"\twidth: 3,",
			"};",
			"function area(",
			"\t{ width }: Size,",
			") {",
			"",
			"\treturn width ** 2;",
			"}",
			"area(size);",
			"// the end",
		].join("\n");
		const lines = Array.from({ length: 15 }, (_, i) => ({ line: i + 1 }));
		const set = await held.session.setBreakpoints(code, ...lines);
		const moved = set.map(({ line, verified }) => (verified ? line : undefined));
		assert.deepEqual(moved, [5, 5, 5, 5, 5, 12, 12, 12, 12, 12, 12, 12, 14, 14, undefined]);
		assert.equal(set[14].message, "no code at line 15 or after it");
		held.session.execute(code);
		assert.deepEqual((await held.session.stop()).at, ["cell [1] cell [1]:5"]);
		assert.deepEqual(await held.session.step("continue"), ["cell [1] cell [1]:14"]);
		assert.deepEqual(await held.session.step("continue"), ["area cell [1]:12", "cell [1] cell [1]:14"]);
		await held.session.request("continue");
		assert.equal((await held.session.executed()).status, "ok");
	});

	test("in a module stop before it is loaded and after it was edited", async () => {
		const set = async (line: number) =>
			(await held.session.request("setBreakpoints", { source: { path: module() }, breakpoints: [{ line }] }))
				.breakpoints;
		const [{ verified, line }] = await set(4);
		assert.deepEqual([verified, line], [true, 5]);
		held.session.execute('import { scale } from "../src/scale";\nscale(4)');
		assert.deepEqual((await held.session.stop()).at, ["scale ../src/scale.ts:5", "cell [2] cell [2]:2"]);
		assert.deepEqual(await held.session.scope("Locals"), ["x: 4", "scaled: undefined"]);
		assert.deepEqual(await held.session.step("next"), ["scale ../src/scale.ts:6", "cell [2] cell [2]:2"]);
		await held.session.request("continue");
		await held.session.executed();
		const { modules } = await held.session.request("modules");
		assert.ok(modules.some(({ path }: Body) => path === module()));
		const { content } = await held.session.request("source", { source: { path: module() } });
		assert.match(content, /const scaled/);

		writeFileSync(module(), content.replace("\t// a comment\n", "\t// a comment\n\t// another\n"));
		// The compiler's file watcher polls.
		await setTimeout(2000);
		held.session.execute('import { scale } from "../src/scale";\nscale(5)');
		assert.deepEqual((await held.session.stop()).at, ["scale ../src/scale.ts:6", "cell [3] cell [3]:2"]);
		await held.session.request("setBreakpoints", { source: { path: module() }, breakpoints: [] });
		await held.session.request("continue");
		assert.equal((await held.session.executed()).status, "ok");
	});

	test("with a condition stop when it holds, also on variables of other cells", async () => {
		await held.session.run("let limit = 3; let seen = 0;");
		const code = "for (let i = 0; i < 6; i++) {\n\tseen += i;\n}\nseen";
		const [set] = await held.session.setBreakpoints(code, { line: 2, condition: "i > limit" });
		assert.deepEqual([set.verified, set.condition], [true, "i > limit"]);
		held.session.execute(code);
		await held.session.stop();
		assert.deepEqual(await held.session.scope("Locals"), ["i: 4"]);
		await held.session.request("continue");
		await held.session.stop();
		assert.deepEqual(await held.session.scope("Locals"), ["i: 5"]);
		await held.session.request("continue");
		await held.session.executed();
		const [wrong] = await held.session.setBreakpoints(code, { line: 2, condition: "i >" });
		assert.deepEqual([wrong.verified, wrong.message], [false, "condition i >: SyntaxError: Expression expected."]);
		await held.session.setBreakpoints(code);
	});

	test("in a function of an earlier cell stop in a later one, until they are removed", async () => {
		const code = "function twice(x: number) {\n\treturn 2 * x;\n}";
		await held.session.run(code);
		await held.session.setBreakpoints(code, { line: 2 });
		held.session.execute("twice(1);\ntwice(2)");
		assert.match((await held.session.stop()).at[0], /^twice cell \[\d+\]:2$/);
		await held.session.setBreakpoints(code);
		await held.session.request("continue");
		assert.equal((await held.session.executed()).status, "ok");
	});

	test("in a file that is no code, or a cell that nobody knows, are not verified", async () => {
		for (const path of [join(held.folder, "package.json"), "/tmp/ipykernel_1/2.ts", join(held.folder, "no.ts")]) {
			const { breakpoints } = await held.session.request("setBreakpoints", {
				source: { path },
				breakpoints: [{ line: 1 }],
			});
			const [{ verified, message, line }] = breakpoints;
			assert.deepEqual([verified, message, line], [false, `${path} is neither a cell nor code`, 1]);
			await held.session.request("setBreakpoints", { source: { path }, breakpoints: [] });
		}
	});

	test("and the stop are reported to a page that is loaded again", async () => {
		const code = "const reloaded = 1;\nreloaded";
		const [{ source }] = await held.session.setBreakpoints(code, { line: 2 });
		held.session.execute(code);
		await held.session.stop();
		const info = await held.session.request("debugInfo");
		assert.deepEqual([info.isStarted, info.stoppedThreads], [true, [1]]);
		const { path } = source;
		const { breakpoints } = info.breakpoints.find((each: Body) => each.source === path);
		assert.deepEqual(
			breakpoints.map(({ line }: Body) => line),
			[2],
		);
		assert.ok(path.startsWith(info.tmpFilePrefix) && path.endsWith(info.tmpFileSuffix));
		const { content } = await held.session.request("source", { source: { path } });
		assert.equal(content, code);
		await held.session.setBreakpoints(code);
		await held.session.request("continue");
		await held.session.executed();
	});

	test("`debugger` stops", async () => {
		held.session.execute("const at = 1;\ndebugger;\nat");
		assert.match((await held.session.stop()).at[0], /:2$/);
		await held.session.request("continue");
		await held.session.executed();
	});
});

describe("stepping", () => {
	const held = sessionOf(DebugSession.attached);
	const lineOf = ([at]: string[]) => Number(at.split(":")[1]);

	test("goes over, into and out of functions of modules and other cells, and at the end finishes the cell", async () => {
		await held.session.run("let sum = 0;\nfunction add(x: number) {\n\tsum += x;\n\treturn sum;\n}");
		const code = [
			'import { scale } from "../src/scale";',
			"const a = add(1);",
			"const b = scale(a);",
			"console.log(b);",
			"b",
		];
		await held.session.setBreakpoints(code.join("\n"), { line: 2 });
		held.session.execute(code.join("\n"));
		assert.deepEqual((await held.session.stop()).at, ["cell [2] cell [2]:2"]);
		assert.deepEqual(await held.session.step("stepIn"), ["add cell [1]:3", "cell [2] cell [2]:2"]);
		assert.equal(lineOf(await held.session.step("next")), 4);
		assert.deepEqual(await held.session.step("stepOut"), ["cell [2] cell [2]:3"]);
		assert.deepEqual(await held.session.step("stepIn"), ["scale ../src/scale.ts:5", "cell [2] cell [2]:3"]);
		assert.deepEqual(await held.session.step("stepOut"), ["cell [2] cell [2]:4"]);
		// What prints is Node's.
		assert.deepEqual(await held.session.step("stepIn"), ["cell [2] cell [2]:5"]);
		await held.session.request("next");
		assert.equal((await held.session.executed()).status, "ok");
		assert.deepEqual((await held.session.request("debugInfo")).stoppedThreads, []);
		assert.equal(await held.session.run("sum"), "1");
	});

	test("goes by lines, in loops round by round", async () => {
		const code = "let n = 0;\nfor (let i = 0; i < 2; i++) {\n\tn += i;\n}\nfor (const k of [1, 2]) n += k;\nn";
		await held.session.setBreakpoints(code, { line: 1 });
		held.session.execute(code);
		const lines = [lineOf((await held.session.stop()).at)];
		while (lines.at(-1) !== 6) lines.push(lineOf(await held.session.step("next")));
		// Of a loop in one line, V8's versions count the rounds differently.
		assert.deepEqual(
			lines.filter((line, i) => line !== 5 || lines[i - 1] !== 5),
			[1, 2, 3, 2, 3, 2, 5, 6],
		);
		await held.session.request("next");
		await held.session.executed();
	});

	test("stays in a cell that awaits", async () => {
		const code = [
			'import { setTimeout } from "node:timers/promises";',
			"async function slow(x: number) {",
			"\tawait setTimeout(20);",
			"\treturn x + 1;",
			"}",
			"let m = await slow(1);",
			"for (let i = 0; i < 2; i++) {",
			"\tm += await slow(i);",
			"}",
			"m",
		].join("\n");
		await held.session.setBreakpoints(code, { line: 6 });
		held.session.execute(code);
		assert.equal(lineOf((await held.session.stop()).at), 6);
		const lines = [];
		while (lines.at(-1) !== 10) lines.push(lineOf(await held.session.step("next")));
		assert.deepEqual(lines, [7, 8, 7, 8, 7, 10]);
		assert.ok((await held.session.scope("Locals")).includes("m: 5"));
		await held.session.request("next");
		assert.equal((await held.session.executed()).status, "ok");

		held.session.execute(code);
		await held.session.stop();
		assert.deepEqual(lineOf(await held.session.step("stepIn")), 3);
		assert.deepEqual(lineOf(await held.session.step("next")), 4);
		assert.deepEqual(lineOf(await held.session.step("stepOut")), 7);
		await held.session.request("continue");
		assert.equal((await held.session.executed()).status, "ok");
	});
});

describe("a stopped kernel", () => {
	const held = sessionOf(DebugSession.attached);
	const stopAt = async (code: string, line: number) => {
		await held.session.setBreakpoints(code, { line });
		held.session.execute(code);
		return held.session.stop();
	};

	test("shows locals, what a function closes over, and the cells' variables", async () => {
		await held.session.run("const earlier = 7;");
		const code = [
			'import { value } from "../src/leaf";',
			"function outer(a: number) {",
			"\tconst kept = a + 1;",
			"\treturn (b: number) => {",
			"\t\tconst inner = { b };",
			"\t\tfor (const each of [1]) inner.b += kept + each + value;",
			"\t\treturn inner;",
			"\t};",
			"}",
			"outer(1)(2)",
		].join("\n");
		const { at, frames } = await stopAt(code, 7);
		assert.deepEqual(at, ["(anonymous) cell [2]:7", "cell [2] cell [2]:10"]);
		assert.deepEqual(await held.session.scope("Locals"), ["b: 2", "inner: { b: 6 }"]);
		assert.deepEqual(await held.session.scope("Closure"), ["kept: 2", "outer: [Function: outer]"]);
		const globals = await held.session.scope("Globals");
		assert.deepEqual(globals.slice(0, 1), ["earlier: 7"]);

		const evaluate = async (expression: string, frameId = frames[0].id) =>
			held.session.reply("evaluate", { expression, frameId });
		assert.equal((await evaluate("inner.b + kept + earlier + value")).body.result, "16");
		assert.equal((await evaluate("inner.b = 20")).body.result, "20");
		assert.equal((await evaluate("kept", frames[1].id)).message, "ReferenceError: kept is not defined");
		assert.equal((await evaluate("inner +")).message, "SyntaxError: Expression expected.");
		assert.equal((await evaluate("inner", -1)).message, "frameId -1 is no frame of this stop: send stackTrace");
		const { body } = await evaluate("inner");
		const { variables } = await held.session.request("variables", { variablesReference: body.variablesReference });
		assert.deepEqual([variables[0].name, variables[0].value], ["b", "20"]);
		const rich = await held.session.request("richInspectVariables", { variableName: "inner", frameId: frames[0].id });
		assert.match(rich.data["text/plain"], /b: 20/);

		const copy = { srcVariableName: "inner", dstVariableName: "copied", srcFrameId: frames[0].id };
		await held.session.request("copyToGlobals", copy);
		const bad = await held.session.reply("copyToGlobals", { ...copy, dstVariableName: "a b" });
		assert.equal(bad.message, "a b: expected the name of a variable");
		const constant = await held.session.reply("copyToGlobals", { ...copy, dstVariableName: "earlier" });
		assert.match(String(constant.message), /^earlier is a constant of a cell: /);
		await held.session.request("continue");
		await held.session.executed();
		assert.equal(await held.session.run("copied.b += 1; copied.b"), "21");
	});

	test("answers, and goes on after an interrupt, which ends the cell", async () => {
		for (const code of ["let n = 0;\nfor (;;) {\n\tn++;\n}", "await null;\nlet n = 0;\nfor (;;) {\n\tn++;\n}"]) {
			await stopAt(code, code.split("\n").indexOf("\tn++;") + 1);
			assert.equal((await held.session.request("threads")).threads.length, 1);
			await held.session.request("inspectVariables");
			held.session.send({ interrupt: true });
			await held.session.event("continued");
			assert.equal((await held.session.executed()).ename, "Interrupted");
			assert.deepEqual((await held.session.request("debugInfo")).stoppedThreads, []);
		}
		const { at } = await stopAt("const again = 1;", 1);
		assert.equal(at.length, 1);
		await held.session.request("continue");
		assert.equal((await held.session.executed()).status, "ok");
	});

	test("is interrupted while it evaluates", async () => {
		const { frames } = await stopAt("const one = 1;\none", 2);
		const { message } = await held.session.reply("evaluate", { expression: "for (;;) {}", frameId: frames[0].id });
		assert.match(String(message), /terminated/);
		await held.session.request("continue");
		assert.equal((await held.session.executed()).status, "ok");
	});

	test("that computes stops when it is told to", async () => {
		held.session.execute("let far = 0;\nwhile (far >= 0) {\n\tfar++;\n}");
		await setTimeout(300);
		await held.session.request("pause");
		const { reason, frames } = await held.session.stop();
		assert.equal(reason, "pause");
		await held.session.request("evaluate", { expression: "far = -10", frameId: frames[0].id });
		await held.session.request("continue");
		assert.equal((await held.session.executed()).status, "ok");

		held.session.execute("let waits = true;\nwhile (waits) {\n\tawait new Promise((done) => setTimeout(done, 50));\n}");
		await setTimeout(300);
		await held.session.request("pause");
		const stop = await held.session.stop();
		assert.match(stop.at[0], /:[23]$/);
		await held.session.request("evaluate", { expression: "waits = false", frameId: stop.frames[0].id });
		await held.session.request("continue");
		assert.equal((await held.session.executed()).status, "ok");
	});

	test("is one that ran before the debugger was started, too", async () => {
		await held.session.request("disconnect");
		held.session.execute("let long = 0;\nwhile (long >= 0) {\n\tlong++;\n}");
		await setTimeout(300);
		await held.session.request("initialize");
		await held.session.request("attach");
		await held.session.request("pause");
		const { frames } = await held.session.stop();
		await held.session.request("evaluate", { expression: "long = -10", frameId: frames[0].id });
		await held.session.request("continue");
		assert.equal((await held.session.executed()).status, "ok");
	});

	test("goes on when the debugger is disconnected, and then runs without one", async () => {
		const code = "let gone = 1;\ngone++;\ngone";
		await stopAt(code, 2);
		await held.session.request("disconnect", { terminateDebuggee: false });
		await held.session.event("terminated");
		assert.equal((await held.session.executed()).status, "ok");
		const info = await held.session.request("debugInfo");
		assert.deepEqual([info.isStarted, info.breakpoints, info.stoppedThreads], [false, [], []]);
		assert.equal(await held.session.run(code), "2");
		const { success, message } = await held.session.reply("setBreakpoints", { source: { path: "a.ts" } });
		assert.deepEqual([success, message], [false, "setBreakpoints: the debugger is not started; send initialize first"]);
	});

	test("is debugged again, and ends the cell when it is terminated", async () => {
		await held.session.request("initialize");
		await held.session.request("attach");
		await stopAt("for (;;) {\n\tMath.sqrt(2);\n}", 2);
		await held.session.request("terminate");
		assert.equal((await held.session.executed()).ename, "Interrupted");
		assert.equal(await held.session.run("1 + 1"), "2");
	});
});

describe("exceptions", () => {
	const held = sessionOf(DebugSession.attached);
	/** Where a cell stops; nowhere if it runs to its end. */
	const stopsIn = async (code: string) => {
		held.session.execute(code);
		const stops: string[] = [];
		for (;;) {
			const { reason, text, at } = (await held.session.stopOrEnd()) ?? {};
			if (!at) return stops;
			stops.push(`${reason} ${at[0].split(":")[1]} ${text}`);
			await held.session.request("continue");
		}
	};
	const catching = 'try {\n\tthrow new Error("a");\n} catch {}';
	const reading = 'import { readFileSync } from "node:fs";\n';

	test("stop where nobody catches them", async () => {
		await held.session.request("setExceptionBreakpoints", { filters: ["uncaught"] });
		const cases: [code: string, stops: string[]][] = [
			['const a = 1;\nthrow new Error("b");', ["exception 2 Error: b"]],
			[catching, []],
			['throw "text";', ["exception 1 text"]],
			[`${reading}readFileSync("/none")`, ["exception 2 Error: ENOENT: no such file or directory, open '/none'"]],
			[`${reading}try {\n\treadFileSync("/none");\n} catch {}`, []],
			['async function f() {\n\tawait null;\n\tthrow new Error("c");\n}\nawait f();', ["exception 3 Error: c"]],
			['async function f() {\n\tawait null;\n\tthrow new Error("c");\n}\ntry {\n\tawait f();\n} catch {}', []],
			['function f() {\n\ttry {\n\t\tthrow new Error("d");\n\t} finally {\n\t}\n}\nf();', ["exception 3 Error: d"]],
		];
		for (const [code, stops] of cases) assert.deepEqual(await stopsIn(code), stops, code);
	});

	test("stop where they come to a cell or a module", async () => {
		await held.session.request("setExceptionBreakpoints", { filters: ["all"] });
		assert.deepEqual(await stopsIn(catching), ["exception 2 Error: a"]);
		assert.deepEqual(await stopsIn(`${reading}try {\n\treadFileSync("/none");\n} catch {}`), [
			"exception 3 Error: ENOENT: no such file or directory, open '/none'",
		]);
		held.session.execute("for (;;) {}");
		await setTimeout(500);
		held.session.send({ interrupt: true });
		assert.equal((await held.session.executed()).ename, "Interrupted");
	});

	test("do not stop without a filter; another filter than these is refused", async () => {
		const { success, message } = await held.session.reply("setExceptionBreakpoints", { filters: ["raised"] });
		assert.deepEqual([success, message], [false, 'filter raised: expected "uncaught" or "all"']);
		await held.session.request("setExceptionBreakpoints", { filters: [] });
		assert.deepEqual(await stopsIn('throw new Error("e")'), []);
	});
});

describe("requests", () => {
	const held = sessionOf(DebugSession.start);

	test("are announced in the kernel's info", async () => {
		held.session.send({ info: true });
		const isInfo = ({ reply }: { reply?: string }) => reply === "kernel_info_reply";
		const { content } = await held.session.next("the kernel's info", isInfo);
		assert.deepEqual(content.supported_features, ["debugger"]);
	});

	test("that make no sense are answered", async () => {
		const message = async (command: string, args?: object) => {
			const { success, message } = await held.session.reply(command, args);
			return [success, message];
		};
		const notStopped = "the kernel is not stopped: send pause, or run a cell with a breakpoint";
		assert.deepEqual(await message("attach"), [false, "attach: the debugger is not started; send initialize first"]);
		await held.session.request("initialize");
		await held.session.request("initialize");
		assert.match(String((await message("fly"))[1]), /^fly is no command: expected one of initialize, /);
		for (const command of ["continue", "next", "stepIn", "stepOut", "stackTrace"]) {
			assert.deepEqual(await message(command), [false, notStopped]);
		}
		assert.deepEqual(await message("dumpCell"), [false, "code is undefined: expected a string"]);
		assert.deepEqual(await message("setBreakpoints"), [false, "path is undefined: expected a string"]);
		assert.deepEqual(await message("setBreakpoints", { source: { path: "a.ts" }, breakpoints: 5 }), [
			false,
			"breakpoints is 5: expected an array",
		]);
		assert.deepEqual(await message("setExceptionBreakpoints"), [false, "filters is undefined: expected an array"]);
		assert.deepEqual(await message("scopes", { frameId: "x" }), [
			false,
			"frameId x is no frame of this stop: send stackTrace",
		]);
		assert.deepEqual(await message("source", { source: { path: "/none.ts" } }), [
			false,
			"/none.ts: neither a cell nor a module of the project; send modules",
		]);
		assert.deepEqual(await message("evaluate", { expression: 1 }), [false, "expression is 1: expected a string"]);
		assert.equal(await held.session.run("2 + 2"), "4");
	});

	test("are done by an idle status, after which the kernel is busy again if a cell runs", async () => {
		held.session.unread.length = 0;
		held.session.execute("await new Promise(() => {})");
		await held.session.next("the cell's begin", ({ iopub }) => iopub === "execute_input");
		held.session.unread.length = 0;
		await held.session.request("debugInfo");
		const statuses: string[] = [];
		while (statuses.length < 3) {
			const { content, parent } = await held.session.next("a status", ({ iopub }) => iopub === "status");
			statuses.push(`${parent} ${content.execution_state}`);
		}
		assert.deepEqual(statuses, ["debug_request busy", "debug_request idle", "debug_request busy"]);
		held.session.send({ interrupt: true });
		await held.session.executed();
	});
});

describe("kernels", () => {
	const code = "for (let i = 0; i < 9; i++) {\n\tMath.sqrt(i);\n}";

	test("are debugged independently of each other, and end while they are stopped", async () => {
		const folder = projectToDebug();
		const sessions = await Promise.all([DebugSession.attached(folder), DebugSession.attached(folder)]);
		for (const session of sessions) {
			await session.setBreakpoints(code, { line: 2 });
			session.execute(code);
		}
		for (const session of sessions) assert.deepEqual((await session.stop()).at, ["cell [1] cell [1]:2"]);
		const [asked, killed] = sessions;
		asked.send({ shutdown: true });
		await asked.ended();
		assert.equal((await killed.request("debugInfo")).stoppedThreads.length, 1);
		process.kill(killed.pid, "SIGTERM");
		await killed.ended();
		for (const session of sessions) session.end();
	});
});
