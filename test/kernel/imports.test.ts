// What cells and modules import: packages of every kind, JSON files, folders, and what is beside a notebook.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root, temporaryFolder } from "../helpers";
import { type Cell, checkCells, project, runCells, shown } from "./run-cells";

/** A project whose packages are two that have no CommonJS, one without types, and Node's types. */
function projectWithPackages(): string {
	const folder = project();
	const packages = join(folder, "node_modules");
	rmSync(packages);
	mkdirSync(packages);
	for (const name of ["@types", "undici-types"]) symlinkSync(join(root, "node_modules", name), join(packages, name));
	const install = (name: string, manifest: object, files: Record<string, string>) => {
		mkdirSync(join(packages, name));
		writeFileSync(join(packages, name, "package.json"), JSON.stringify({ name, ...manifest }));
		for (const [file, content] of Object.entries(files)) writeFileSync(join(packages, name, file), content);
	};
	const types =
		"export declare const word: string; export declare let count: number; export declare function bump(): void; export default function greet(name: string): string;";
	const code = (word: string) =>
		`export const word = ${word}; export let count = 0; export function bump() { count++; } export default function greet(name) { return "hi " + name; }`;
	const module = { type: "module", exports: { types: "./index.d.ts", import: "./index.js" } };
	install("esm-only", module, { "index.d.ts": types, "index.js": code('"esm"') });
	install("awaiting", module, { "index.d.ts": types, "index.js": code('await Promise.resolve("awaited")') });
	install("untyped", { main: "index.js" }, { "index.js": "exports.a = 1;" });
	return folder;
}

describe("packages", () => {
	test("without CommonJS are imported, in each way, by cells and by src, and stay what they are", () => {
		const folder = projectWithPackages();
		writeFileSync(
			join(folder, "src", "uses.ts"),
			'import greet, { word } from "awaiting";\nexport const said = greet(word);',
		);
		checkCells(folder, [
			['import greet, { word, count, bump } from "esm-only"; greet(word)', "hi esm"],
			["bump(); bump(); count", "2"],
			['import * as whole from "awaiting"; whole.default(whole.word)', "hi awaited"],
			['const loaded = await import("esm-only"); loaded.default(loaded.word) + loaded.count', "hi esm2"],
			["loaded.default.name + loaded.word.length", "greet3"],
			['const name: string = "awaiting"; (await import(name)).word', "awaited"],
			['import { said } from "../src/uses"; said', "hi awaited"],
			['(await import("../src/uses")).said', "hi awaited"],
		]);
	});

	test("without types say how to get them, and are what require returns", () => {
		checkCells(projectWithPackages(), [
			[
				'import untyped from "untyped";',
				/npm install @types\/untyped if there are any, or else write const untyped = require\("untyped"\)/,
			],
			['const untyped = require("untyped"); untyped.a', "1"],
			['await import("nowhere")', /Cannot find module 'nowhere': npm install nowhere/],
		]);
	});

	test("of CommonJS can be awaited, as a whole too, and later cells know their types", () => {
		checkCells(project(), [
			['const fs = await import("node:fs"), { join } = await import("node:path"); join("a", "b")', "a/b"],
			["fs.existsSync('/') && fs.default.existsSync('/')", "true"],
			["fs.nothing", /Property 'nothing' does not exist/],
			['const tf = await import("@tensorflow/tfjs"); typeof tf.tensor', "function"],
			["tf.tensor(5, [], 'wrong')", /not assignable/],
		]);
	});

	test("that are real and without CommonJS work", () => {
		checkCells(project(), [['import { File } from "h5wasm/node"; typeof File', "function"]]);
	});
});

test("JSON files are imported, by cells and by src, and an edit is seen", () => {
	const folder = project();
	const file = join(folder, "data.json");
	writeFileSync(file, '{ "n": 1 }');
	writeFileSync(join(folder, "src", "data.ts"), 'import data from "../data.json";\nexport const n = data.n + 1;');
	const use = 'import data from "../data.json"; import { n } from "../src/data"; [data.n, n].join()';
	const cells: Cell[] = [
		use,
		{ file, content: '{ "n": 5, "text": "new" }' },
		use,
		"data.text",
		'(await import("../data.json")).default.n',
	];
	assert.deepEqual(runCells("ours", folder, cells).map(shown), ["1,2", "5,6", "new", "5"]);
});

test("folders with an index and names with a dot are modules", () => {
	const folder = project();
	mkdirSync(join(folder, "src", "room"));
	writeFileSync(join(folder, "src", "room", "index.ts"), 'export * from "./part.one";');
	writeFileSync(join(folder, "src", "room", "part.one.ts"), "export const one = 1;");
	checkCells(folder, [['import { one } from "../src/room"; one', "1"]]);
});

test("a notebook outside every project runs, imports what is beside it, and modules of a project by their path", () => {
	const folder = temporaryFolder();
	mkdirSync(join(folder, "notebooks"));
	writeFileSync(join(folder, "notebooks", "beside.ts"), "export const beside = 3;");
	const elsewhere = join(project(), "src", "middle");
	checkCells(folder, [
		['import { existsSync } from "node:fs"; existsSync("/")', "true"],
		['import { display } from "tslab"; typeof display.html', "function"],
		['import { beside } from "./beside"; beside', "3"],
		[`import { doubled } from ${JSON.stringify(elsewhere)}; doubled`, "2"],
	]);
});
