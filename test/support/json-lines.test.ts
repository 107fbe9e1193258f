import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { appendJsonLines } from "../../src/support/json-lines";
import { readJsonLines, root, runAtOnce, temporaryFolder } from "../helpers";

test("JSON lines follow a line that was cut off on a line of their own", () => {
	const file = join(temporaryFolder(), "a.jsonl");
	appendJsonLines(file, [{ a: 1 }, "two\nlines"]);
	appendFileSync(file, '{"a":');
	appendJsonLines(file, [3]);
	assert.equal(readFileSync(file, "utf8"), '{"a":1}\n"two\\nlines"\n{"a":\n3\n');
});

test("JSON lines of several processes at once are whole", async () => {
	const file = join(temporaryFolder(), "a.jsonl");
	const program = `
		const { appendJsonLines } = require(${JSON.stringify(join(root, "src", "support", "json-lines.ts"))});
		for (let i = 0; i < 100; i++) appendJsonLines(${JSON.stringify(file)}, Array(4).fill(process.argv[1].repeat(5000) + i));`;
	await runAtOnce(program, ["a", "b", "c", "d"]);
	const expected = ["a", "b", "c", "d"].flatMap((name) =>
		Array.from({ length: 400 }, (_, i) => `${name.repeat(5000)}${Math.floor(i / 4)}`),
	);
	assert.deepEqual(readJsonLines(file).sort(), expected.sort());
});
