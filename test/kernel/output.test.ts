// What cells print: all of it, in its order, soon, and in few messages.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import type { Request } from "../../tools/kernel/message";
import { StreamBuffer } from "../../tools/kernel/stream-buffer";
import { temporaryFolder } from "../helpers";
import { project, type Result, runCells, shown } from "./run-cells";

const LINES = 200_000;
const ROUNDS = 300;

describe("what a cell prints", () => {
	let results: Result[];
	before(() => {
		const file = join(temporaryFolder(), "seen");
		const show = `import { display } from "tslab"; for (let i = 0; i < ${ROUNDS}; i++) { console.log(i, "out"); if (i % 3 === 0) console.error(i, "err"); if (i % 50 === 0) display.html(String(i)); } throw new Error("end")`;
		// Without an await: the clock alone ends the wait.
		const block = `import { existsSync } from "node:fs";
			const until = Date.now() + 20_000;
			console.log("first"); console.log("second");
			while (!existsSync(${JSON.stringify(file)}) && Date.now() < until) {}
			Date.now() < until`;
		results = runCells("ours", project(), [
			`for (let i = 0; i < ${LINES}; i++) console.log("line", i)`,
			show,
			{ code: block, touch: file },
			"for (let i = 0; i < 2000; i++) { await null; console.log(i); }",
			"setTimeout(() => console.log('late'), 50); for (let i = 0; i < 100; i++) console.log(i);",
			"await new Promise((resolve) => setTimeout(resolve, 300)); 'over'",
			{ code: "for (;;) console.log('again')", interrupt: [0.5] },
			"1 + 1",
		]);
	});

	test("arrives whole and in order, in less messages than JupyterLab's server lets through", () => {
		const expected = Array.from({ length: LINES }, (_, i) => `line ${i}\n`).join("");
		assert.ok(results[0].stdout === expected, `${results[0].stdout.length} characters of ${expected.length}`);
		const streams = results[0].messages.filter((kind) => kind === "stream").length;
		assert.ok(streams < 1000, `${streams} messages`);
		assert.equal(results[3].stdout, Array.from({ length: 2000 }, (_, i) => `${i}\n`).join(""));
	});

	test("keeps its order among stdout, stderr, what is shown, and the error that ends the cell", () => {
		const expected: string[] = [];
		const print = (name: string, text: string) => {
			if (expected.at(-1)?.startsWith(name)) expected[expected.length - 1] += text;
			else expected.push(`${name}:${text}`);
		};
		for (let i = 0; i < ROUNDS; i++) {
			print("stdout", `${i} out\n`);
			if (i % 3 === 0) print("stderr", `${i} err\n`);
			if (i % 50 === 0) expected.push("display_data");
		}
		assert.deepEqual(results[1].order, [...expected, "error"]);
	});

	test("arrives while the cell still computes, also where nothing is awaited", () => {
		assert.deepEqual(
			[results[2].stdout, shown(results[2].result ? { ...results[2], stdout: "" } : results[2])],
			["first\nsecond\n", "true"],
		);
	});

	test("is all there before the cell's end; what it prints later follows", () => {
		assert.equal(results[4].stdout, Array.from({ length: 100 }, (_, i) => `${i}\n`).join(""));
		assert.equal(results[5].result?.["text/plain"], "over");
	});

	test("in an endless loop ends with an interrupt, and the kernel goes on", () => {
		assert.deepEqual(results[6].error?.traceback, ["Interrupted"]);
		assert.equal(shown(results[7]), "2");
	});
});

test("a cell's first line is sent at once, also right after a cell that printed much", () => {
	const [much, next] = [{}, {}] as Request[];
	const sent: [Request, string][] = [];
	const buffer = new StreamBuffer((request, { text }) => sent.push([request, text]));
	for (let i = 0; i < 1000; i++) buffer.write(much, { name: "stdout", text: `${i}\n` });
	buffer.flush();
	buffer.write(next, { name: "stdout", text: "first\n" });
	assert.equal(sent.at(-1)?.[1], "first\n");
});

describe("process.exit", () => {
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			"let kept = 1; console.log('before'); process.exit(3); kept = 2;",
			"kept",
			"setTimeout(() => process.exit(), 10); await new Promise((resolve) => setTimeout(resolve, 200)); kept",
			"process.exitCode = 4; try { process.exit(); } finally { process.exitCode = undefined; }",
		]);
	});

	test("ends the cell and says so; the kernel and its variables stay", () => {
		const [{ stdout, error, reply }, after] = results;
		assert.deepEqual([stdout, reply.status, error?.ename, error?.evalue], ["before\n", "error", "SystemExit", "3"]);
		assert.match(error?.traceback.join("\n") ?? "", /process\.exit\(3\) ends the cell\. The kernel goes on/);
		assert.equal(shown(after), "1");
	});

	test("in a callback does not end the kernel either", () => {
		assert.match(results[2].stderr, /process\.exit\(0\)/);
		assert.equal(results[2].result?.["text/plain"], "1");
	});

	test("without a code takes process.exitCode", () => {
		assert.equal(results[3].error?.evalue, "4");
	});
});
