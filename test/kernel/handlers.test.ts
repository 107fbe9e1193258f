// Answers to requests.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import ts from "typescript";
import { completenessOf } from "../../tools/kernel/assistance";
import { Handlers } from "../../tools/kernel/handlers";
import { type HistoryEntry, type HistoryRequest, historyReply } from "../../tools/kernel/history";
import { project, type Result, runCells, shown } from "./run-cells";

test("a request that fails inside the kernel is answered, and names the error", async () => {
	const handlers = new Handlers(process.cwd(), () => {
		throw new RangeError("no compiler");
	});
	const request = { code: "a.b", cursor_pos: 3 };
	const reply = await handlers.handle("complete_request", request, () => {});
	const { status, ename, evalue } = reply as Record<string, unknown>;
	assert.deepEqual([status, ename, evalue], ["error", "RangeError", "no compiler"]);
});

describe("history", () => {
	const entries: HistoryEntry[] = [
		{ line: 1, input: "let x = 1", output: undefined },
		{ line: 2, input: "x + 1", output: "2" },
		{ line: 3, input: "let x = 1" },
		{ line: 4, input: "[x].map(String)", output: "[ '1' ]" },
	];
	const linesOf = (request: HistoryRequest) =>
		(historyReply(entries, request) as { history: [number, number, unknown][] }).history.map(([, line]) => line);

	test("has the last inputs", () => {
		assert.deepEqual(linesOf({ hist_access_type: "tail", n: 2 }), [3, 4]);
		assert.deepEqual(linesOf({ hist_access_type: "tail", n: 100 }), [1, 2, 3, 4]);
	});

	test("has a range of this session, without its end, and nothing of others", () => {
		assert.deepEqual(linesOf({ hist_access_type: "range", session: 0, start: 2, stop: 4 }), [2, 3]);
		assert.deepEqual(linesOf({ hist_access_type: "range", session: 1, start: 3, stop: null }), [3, 4]);
		assert.deepEqual(linesOf({ hist_access_type: "range", session: -1, start: 1 }), []);
	});

	test("is searched by the whole input, each once if it is to be, the last ones", () => {
		assert.deepEqual(linesOf({ hist_access_type: "search", pattern: "let *" }), [1, 3]);
		assert.deepEqual(linesOf({ hist_access_type: "search", pattern: "let *", unique: true }), [3]);
		assert.deepEqual(linesOf({ hist_access_type: "search", pattern: "? + ?" }), [2]);
		assert.deepEqual(linesOf({ hist_access_type: "search", pattern: "[x]*", n: 1 }), [4]);
		assert.deepEqual(linesOf({ hist_access_type: "search", pattern: "x" }), []);
	});

	test("has outputs if they are asked for", () => {
		const reply = historyReply(entries, { hist_access_type: "tail", n: 3, output: true });
		assert.deepEqual(reply, {
			status: "ok",
			history: [
				[1, 2, ["x + 1", "2"]],
				[1, 3, ["let x = 1", null]],
				[1, 4, ["[x].map(String)", "[ '1' ]"]],
			],
		});
	});
});

test("a cell is complete, incomplete or invalid", () => {
	const codes = {
		complete: ["", "1", "const x = 1;", "const f = <T>(x: T) => x", "`a\nb`", "/* c */", "function f() {\n}"],
		incomplete: [
			"function f(a) {",
			"[1,",
			"f(",
			"`a",
			"/* c",
			"const x =",
			"if (true)",
			"x.",
			"import { a } from",
			"`a${",
		],
		invalid: ["const = 3", "x = = 2", "'abc", "}", "foo bar baz", "f(\n\n"],
	};
	for (const [status, list] of Object.entries(codes))
		for (const code of list) assert.equal(completenessOf(ts, code).status, status, code);
	assert.deepEqual(completenessOf(ts, "if (x) {\n  f(() => {"), { status: "incomplete", indent: "    " });
	assert.deepEqual(completenessOf(ts, "  const x ="), { status: "incomplete", indent: "  " });
});

describe("requests to a kernel", () => {
	type Reply = Record<string, unknown>;
	let results: Result[];
	const execute = (code: string, more: object) => ({ request: "execute_request", content: { code, ...more } });
	before(() => {
		results = runCells("ours", project(), [
			"const x = 20; x + 1",
			execute("x", {
				user_expressions: {
					sum: "x + 2",
					map: "new Map([[1, x]])",
					wrong: "y",
					throws: "(() => { throw new TypeError('no'); })()",
				},
			}),
			execute("throw new Error('before')", { user_expressions: { sum: "x" } }),
			execute("const hidden = 5; console.log(hidden)", { silent: true, store_history: true }),
			execute("hidden + 1", { store_history: false }),
			"function f() { throw new Error('place'); }",
			execute("const other = 1;\n\nthrow new Error('silent')", { silent: true }),
			"f()",
			{ request: "history_request", content: { hist_access_type: "tail", output: true, raw: true, n: 100 } },
			{ request: "comm_info_request", content: {} },
			{ request: "is_complete_request", content: { code: "if (x) {" } },
			{ request: "complete_request", content: { code: "'😀'; x.toFix", cursor_pos: 12 } },
			{ info: true },
		]);
	});
	const reply = (i: number) => results[i].reply as unknown as Reply;

	test("user expressions are evaluated after the code, unless it fails", () => {
		const { status, user_expressions } = reply(1);
		const evaluated = user_expressions as Record<
			string,
			{ status: string; data?: Reply; ename?: string; evalue?: string }
		>;
		assert.equal(status, "ok");
		assert.deepEqual(evaluated.sum, { status: "ok", data: { "text/plain": "22" }, metadata: {} });
		assert.equal(evaluated.map.data?.["text/plain"], "Map(1) { 1 => 20 }");
		assert.deepEqual([evaluated.wrong.status, evaluated.wrong.ename], ["error", "TypeScriptError"]);
		assert.deepEqual([evaluated.throws.status, evaluated.throws.evalue], ["error", "no"]);
		assert.equal(reply(2).status, "error");
		assert.equal(reply(2).user_expressions, undefined);
	});

	test("what is silent or not to be stored does not count, and leaves the places of errors", () => {
		assert.deepEqual([reply(3).execution_count, reply(4).execution_count], [3, 3]);
		assert.equal(reply(4).status, "ok");
		assert.deepEqual(results[7].error?.traceback, ["Error: place", "    at f (cell [4]:1:22)", "    at cell [5]:1:1"]);
	});

	test("the history has what was stored", () => {
		const history = reply(8).history as [number, number, [string, string | null]][];
		assert.deepEqual(
			history.map(([, line, [, output]]) => [line, output]),
			[
				[1, "21"],
				[2, "20"],
				[3, null],
				[4, null],
				[5, null],
			],
		);
	});

	test("comms, completeness and completion, which counts characters", () => {
		assert.deepEqual(reply(9), { status: "ok", comms: {} });
		assert.deepEqual(reply(10), { status: "incomplete", indent: "  " });
		const { matches, cursor_start, cursor_end } = reply(11);
		assert.deepEqual([matches, cursor_start, cursor_end], [["toFixed"], 7, 12]);
	});

	test("kernel_info has what front ends need", () => {
		const { language_info, help_links, protocol_version } = reply(12);
		const { file_extension, pygments_lexer, nbconvert_exporter } = language_info as Reply;
		assert.deepEqual([file_extension, pygments_lexer, nbconvert_exporter], [".ts", "typescript", "script"]);
		assert.ok((help_links as { url: string }[]).every(({ url }) => url.startsWith("https://")));
		assert.equal(protocol_version, "5.3");
	});
});

test("messages that the kernel does not know are ignored, without a word in a cell", async () => {
	const handlers = new Handlers(process.cwd(), () => {
		throw new Error("no compiler");
	});
	const published: unknown[] = [];
	for (const type of ["create_subshell_request", "unheard_of", "constructor", "toString"]) {
		assert.equal(await handlers.handle(type, {}, (...message) => published.push(message)), undefined);
	}
	assert.deepEqual(published, []);
	const [after] = runCells("ours", project(), ["1 + 1"]);
	assert.deepEqual([shown(after), after.stderr], ["2", ""]);
});

test("a shutdown is answered, with whether the kernel is started again", async () => {
	const handlers = new Handlers(process.cwd(), () => {
		throw new Error("no compiler");
	});
	for (const restart of [true, false])
		assert.deepEqual(await handlers.handle("shutdown_request", { restart }, () => {}), { status: "ok", restart });
});
