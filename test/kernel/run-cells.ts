// Runs cells in a kernel.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, temporaryFolder } from "../helpers";

/** See client.py. */
export type Cell =
	| string
	| { file: string; content: string }
	| { code: string; interrupt: number[] }
	| { code: string; touch: string }
	| { together: string[] }
	| { complete: string; at: number }
	| { inspect: string; at: number }
	| { comm: number; data: object }
	| { request: string; content: object }
	| { info: true };
export type Result = {
	stdout: string;
	stderr: string;
	result: Record<string, string> | null;
	messages: string[];
	/** What was printed and shown, in its order: `stdout:text`, or the type of another message. */
	order: string[];
	error: { ename: string; evalue: string; traceback: string[] } | null;
	displays: { data: Record<string, unknown>; transient: { display_id?: string } }[];
	comms: { type: string; comm_id: string; target_name?: string; data: object }[];
	reply: { status: string; execution_count: number; ename?: string; evalue?: string; traceback?: string[] };
	statuses: string[];
	seconds: number;
};

/** What a cell printed, or else the value of its last expression. */
export const shown = ({ stdout, result }: Result) => (stdout || (result?.["text/plain"] ?? "")).trim();

/** A project with `src` and `notebooks`, as ours, so that imports of `../src` can be tried. */
export function project(): string {
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
		strict:
			"/**\n * Doubles a number.\n *\n * @param x any number\n * @throws never\n */\nexport function twice(x: number): number { return 2 * x; }",
	};
	for (const [name, content] of Object.entries(sources)) writeFileSync(join(folder, "src", `${name}.ts`), content);
	return folder;
}

const OURS = { pause: 0, interrupt_mode: "message" };
/** The stock kernel drops what arrives within 200 ms after an error. */
const STOCK = { pause: 0.3, interrupt_mode: "signal" };

export type Kernel = "ours" | "stock";
export const argv: Record<Kernel, string[]> = {
	ours: [join(root, ".venv", "share", "jupyter", "kernels", "tslab", "main.cjs")],
	stock: [join(root, "node_modules", "tslab", "bin", "tslab"), "kernel", "--config-path"],
};

export function runCells(kernel: Kernel, folder: string, cells: Cell[]): Result[] {
	const client = kernel === "ours" ? OURS : STOCK;
	const command = ["node", ...argv[kernel], "{connection_file}"];
	const job = { argv: command, cwd: join(folder, "notebooks"), cells, ...client };
	const python = join(root, ".venv", "bin", "python");
	const result = spawnSync(python, [join(__dirname, "client.py")], {
		input: JSON.stringify(job),
		encoding: "utf8",
		maxBuffer: 1e8,
	});
	assert.equal(result.status, 0, result.stderr);
	return JSON.parse(result.stdout) as Result[];
}

/** Runs cells one after another, and checks what each shows or, for a regular expression, its error. */
export function checkCells(folder: string, cells: [cell: string, expected: string | RegExp][]): void {
	const results = runCells(
		"ours",
		folder,
		cells.map(([cell]) => cell),
	);
	for (const [i, [cell, expected]] of cells.entries()) {
		const { error } = results[i];
		if (typeof expected !== "string") assert.match(error?.traceback.join("\n") ?? "", expected, cell);
		else assert.deepEqual([error?.evalue, shown(results[i])], [undefined, expected], cell);
	}
}
