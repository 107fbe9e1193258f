import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { parseJson, readJson } from "../../src/support/json";
import { temporaryFolder } from "../helpers";

const parse = (text: string) => parseJson(Buffer.from(text), "given.json");

test("a byte order mark, CRLF and comments do not change the value", () => {
	const file = join(temporaryFolder(), "space.json");
	writeFileSync(
		file,
		'\ufeff{ // a comment with "quotes"\r\n\t"from": "http://a/*b*/", /* two\r\n lines */ "n": [1, 2]\r\n}\r\n',
	);
	assert.deepEqual(readJson(file), { from: "http://a/*b*/", n: [1, 2] });
});

test("texts with comments give what TypeScript reads in a tsconfig.json", () => {
	let state = 1;
	const pick = <T>(items: T[]): T => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return items[(state >>> 8) % items.length];
	};
	const strings = ["//", "/*", "*/", '\\"', "\\\\", "a", "", " // x \\" + '"', "é/*\\n"];
	const gaps = [
		"",
		" ",
		"\n",
		"\r\n",
		"// to the end\n",
		'// "quoted\n',
		"/* in // side */",
		"/*\n*/",
		"/**/",
		"/***/",
	];
	for (let i = 0; i < 300; i++) {
		const members = Array.from({ length: 1 + (i % 4) }, (_, k) => {
			const value = pick(["1", "-2.5e3", "true", "null", `"${pick(strings)}"`, `[${pick(gaps)}]`]);
			// Escapes before the number: JSON.parse of Node 24 and 26 takes the key `1\"` for an earlier `1\\`.
			return `${pick(gaps)}"${pick(strings)}${k}"${pick(gaps)}:${pick(gaps)}${value}${pick(gaps)}`;
		});
		const text = `${pick(gaps)}{${members.join(",")}}${pick(gaps)}`;
		const { config, error } = ts.parseConfigFileTextToJson("given.json", text);
		assert.equal(error, undefined, text);
		assert.deepEqual(parse(text), config, text);
	}
});

test("an error names the file, the line and what is wrong", () => {
	const wrong: [string, RegExp][] = [
		['{\n  "a": 1\n  "b": 2\n}', /^given\.json is not JSON, line 3: Expected "," in JSON but found "\\?"b/],
		['{ // one\n/* two\n three */\n "a": }', /^given\.json is not JSON, line 4: Unexpected "}"/],
		["\ufeff{\r\n\r\n'a': 1}", /line 3: /],
		["", /^given\.json is not JSON, line 1: Unexpected end of file/],
		['{"a": 1,}', /line 1: JSON does not support trailing commas/],
		['{"a": NaN}', /line 1: Unexpected "NaN"/],
		['{"a": 1} /* not closed', /^given\.json is not JSON/],
	];
	for (const [text, message] of wrong) {
		assert.throws(
			() => parse(text),
			(error: Error) => message.test(error.message) && !error.message.includes("\n"),
			text,
		);
	}
});

test("a text that is not UTF-8 is named as such", () => {
	const utf16 = Buffer.from('{"a": 1}', "utf16le");
	for (const bytes of [utf16, Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), Buffer.from([0xfe, 0xff, 0, 0x7b])]) {
		assert.throws(() => parseJson(bytes, "given.json"), { message: "given.json is UTF-16 text: save it as UTF-8" });
	}
	const latin1 = Buffer.from('{"é": 1}', "latin1");
	assert.throws(() => parseJson(latin1, "given.json"), { message: "given.json is not UTF-8 text: save it as UTF-8" });
});
