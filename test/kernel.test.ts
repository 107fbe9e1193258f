import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { root, temporaryFolder } from "./fixtures";

// Each cured bug is run on our tslab and on the stock one: the test asks that ours is right and that stock is wrong,
// so that a cure which upstream makes unnecessary is noticed.

type Cell = string | { file: string; content: string };
type Result = {
	stdout: string;
	stderr: string;
	messages: string[];
	error: { ename: string; evalue: string; traceback: string[] } | null;
	displays: { data: Record<string, unknown>; transient: { display_id?: string } }[];
	reply: { status: string; execution_count: number; ename?: string; evalue?: string; traceback?: string[] };
};

/** A project with `src` and `notebooks`, as ours, so that imports of `../src` can be tried. */
function project(): string {
	const folder = temporaryFolder();
	for (const name of ["src", "notebooks"]) mkdirSync(join(folder, name));
	writeFileSync(join(folder, "package.json"), "{}");
	symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
	const sources = {
		leaf: "export const value = 1;",
		middle: 'import { value } from "./leaf";\nexport const doubled = value * 2;',
		where: "export const url = import.meta.url;",
		odd: 'import { isEven } from "./even";\nexport function isOdd(n: number): boolean { return n !== 0 && isEven(n - 1); }',
		even: 'import { isOdd } from "./odd";\nexport function isEven(n: number): boolean { return n === 0 || isOdd(n - 1); }',
		strict: "export function twice(x: number): number { return 2 * x; }",
	};
	for (const [name, content] of Object.entries(sources)) writeFileSync(join(folder, "src", `${name}.ts`), content);
	return folder;
}

function runCells(tslab: "tslab" | "tslab-stock", folder: string, cells: Cell[]): Result[] {
	const main = join(root, "node_modules", tslab, "dist", "main.js");
	const start = `require(${JSON.stringify(main)}).startKernel({ configPath: process.argv[1], enableFindLocal: false })`;
	const job = { argv: ["node", "-e", start, "{connection_file}"], cwd: join(folder, "notebooks"), cells };
	const python = join(root, ".venv", "bin", "python");
	const result = spawnSync(python, [join(__dirname, "kernel-client.py")], {
		input: JSON.stringify(job),
		encoding: "utf8",
		maxBuffer: 1e8,
	});
	assert.equal(result.status, 0, result.stderr);
	return JSON.parse(result.stdout) as Result[];
}

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
	const run = (tslab: "tslab" | "tslab-stock") => {
		const cases = Object.values(cured);
		const results = runCells(
			tslab,
			project(),
			cases.flatMap(({ cells }) => cells),
		);
		return cases.map(({ cells }) => results.splice(0, cells.length).at(-1) as Result);
	};
	let ours: Result[];
	let stock: Result[];
	before(() => {
		ours = run("tslab");
		stock = run("tslab-stock");
	});

	Object.entries(cured).forEach(([name, { prints }], i) => {
		test(name, () => {
			assert.equal(ours[i].stdout.trim(), prints, ours[i].error?.evalue);
			assert.notEqual(stock[i].stdout.trim(), prints, "the stock kernel does this right: the cure can go");
		});
	});
});

describe("an edit in src", () => {
	const run = (tslab: "tslab" | "tslab-stock") => {
		const folder = project();
		const importing = 'import { doubled } from "../src/middle"; doubled';
		const edit = { file: join(folder, "src", "leaf.ts"), content: "export const value = 21;" };
		return runCells(tslab, folder, [importing, edit, importing]).map(({ stdout }) => stdout.trim());
	};
	test("is picked up through the module that imports it", () => {
		assert.deepEqual(run("tslab"), ["2", "42"]);
	});
});

describe("Jupyter messages", () => {
	let results: Result[];
	before(() => {
		results = runCells("tslab", project(), [
			"1 + 1",
			'function deep(): never { throw new RangeError("too far"); }\ndeep()',
			'const text: string = 5;\nconst other = "fine";',
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

	test("an error has name, message and a stack without the kernel's own frames", () => {
		const { error, reply } = results[1];
		assert.deepEqual([error?.ename, error?.evalue], ["RangeError", "too far"]);
		assert.deepEqual([reply.status, reply.ename, reply.evalue], ["error", "RangeError", "too far"]);
		const stack = error?.traceback.join("\n") ?? "";
		assert.match(stack, /RangeError: too far\n\s+at deep/);
		assert.doesNotMatch(stack, /tslab|node:/);
	});

	test("a type error names its place and does not run the cell", () => {
		const { error } = results[2];
		assert.equal(error?.ename, "TypeScriptError");
		assert.equal(error?.evalue, "1:7 - Type 'number' is not assignable to type 'string'.");
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
		assert.equal(results[8].stdout.trim(), "6");
	});

	test("the next cell runs", () => {
		assert.equal(results[6].stdout.trim(), "4");
	});
});
