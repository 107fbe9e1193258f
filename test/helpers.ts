// Helpers of the tests: recorded fixtures, temporary folders, notebooks. Nothing here loads TensorFlow.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { choice, logUniform } from "../src/sweep/space";
import type { Trial } from "../src/sweep/trial";

export const root = join(__dirname, "..");
export const imageFolder = join(__dirname, "fixtures", "images");
/** A PNG of nothing but a header that claims 60,000 × 60,000 pixels. */
export const bomb = Buffer.from(`89504e470d0a1a0a0000000d494844520000ea600000ea600802000000${"00".repeat(16)}`, "hex");

/** Returns the content of a notebook of code cells. */
export function notebookOf(...sources: string[]): string {
	const cells = sources.map((source) => ({
		cell_type: "code",
		execution_count: null,
		metadata: {},
		outputs: [],
		source,
	}));
	const metadata = {
		kernelspec: { name: "tslab", display_name: "TypeScript", language: "typescript" },
		language_info: { name: "typescript" },
	};
	return JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 4 });
}

/** Reads `fixtures/<name>.json`. */
export function fixture<T>(name: string): T {
	return JSON.parse(readFileSync(join(__dirname, "fixtures", `${name}.json`), "utf8")) as T;
}

/** Returns a generator of integers from 0 to below a number, the same on every machine. */
export function randomIntegers(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return Math.floor((state / 2 ** 32) * below);
	};
}

/** Creates an empty folder that is removed after the tests of the file. */
export function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), "icn-"));
	// With retries, since a server or a worker that is about to end may still write to it.
	after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
	return folder;
}

/** Copies the recorded images to a folder that a test may change, by default a new one that is called `train`. */
export function copyOfImages(folder = join(temporaryFolder(), "train")): string {
	cpSync(imageFolder, folder, { recursive: true });
	return folder;
}

/** Creates a data set with the recorded images as training and validation split. */
export function smallDataset(): string {
	const folder = temporaryFolder();
	for (const split of ["train", "valid"]) cpSync(imageFolder, join(folder, split), { recursive: true });
	return folder;
}

/** What `tools/report/run_notebooks.py` is told to do with one notebook, as JSON. */
export function runnerJob(name: string, source: string, reports: string, parameters: object = {}): string {
	const notebook = { position: "1/1", name, title: name, source, parameters };
	const options = { noInput: false, quiet: false, unfinished: join(reports, ".unfinished") };
	return JSON.stringify({ notebooks: [notebook], reports, ...options });
}

/** Runs a command of package.json; `code` is its exit code, `out` all that it printed. */
export function command(...args: string[]): { code: number | null; out: string } {
	const { status, stdout, stderr } = spawnSync("node", ["tools/cli.mjs", ...args], { cwd: root, encoding: "utf8" });
	return { code: status, out: stdout + stderr };
}

/** Runs a program in a process for each argument, all at once, and waits until they have ended well. */
export async function runAtOnce(program: string, args: string[]): Promise<void> {
	const tsx = join(root, "src", "support", "tsx.cjs");
	const children = args.map((arg) => spawn("node", ["--require", tsx, "-e", program, arg], { stdio: "inherit" }));
	for (const [code] of await Promise.all(children.map((child) => once(child, "exit")))) assert.equal(code, 0);
}

/** The search space of sweeps over `smallDataset`. */
export const smallSpace = {
	learningRate: logUniform(1e-4, 1e-2),
	imageSize: 48,
	batchSize: choice(2, 4),
	patience: 9,
};

/** Returns the fields of trials that are reproducible, whatever the worker, the speed and the number of attempts. */
export const outcome = (trials: Trial[]) =>
	trials.map(({ id, parameters, state, curves, value }) => ({ id, parameters, state, curves, value }));

/** Reads a file of JSON lines; empty ones are none. */
// biome-ignore lint/suspicious/noExplicitAny: what is in it is the test's
export const readJsonLines = (file: string): any[] =>
	readFileSync(file, "utf8")
		.split("\n")
		.filter(Boolean)
		.map((line) => JSON.parse(line));

/** Returns the sorted hashes of a folder's files without manifests, to check that no file is lost. */
export function contents(folder: string): string[] {
	const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && entry.name !== "manifest.jsonl")
		.map((entry) => sha256(join(entry.path, entry.name)))
		.sort();
}

/** Runs `work` and returns what it printed to the console. */
export async function printed(work: () => unknown): Promise<string> {
	const lines: string[] = [];
	const log = console.log;
	console.log = (...args: unknown[]) => lines.push(args.join(" "));
	try {
		await work();
	} finally {
		console.log = log;
	}
	return lines.join("\n");
}
