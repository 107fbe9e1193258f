// Makes the sample data set: images of intact and cracked surfaces, drawn by the computer (see sample-scene.mjs).
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
// On Linux sharp's libraries must be loaded here before its first use in a worker, or they are unloaded too early.
import "sharp";
import { SPLITS, type Split } from "../../src/images/folders";
import { pathExists, statOrNull, writeFileAtomically } from "../../src/support/files";
import { DEFAULT_COUNTS, plantFaults } from "./sample-faults";
import type { Job } from "./sample-image.mjs";
import { storageOf } from "./sample-storage.mjs";

/** What `sample.json` says made it. Not this file's path, because samples that were made earlier must be recognised. */
const GENERATOR = "tools/sample-dataset.mjs";
const CLASS_NAMES = ["intact", "cracked"];

/** The fraction of cracked images: damage is rarer than soundness. */
const CRACKED = 0.3;

export interface SampleOptions {
	/** Default 42. The same seed gives the same bytes on any number of processors. */
	seed?: number;
	/** Images per split, three of ten cracked. Default 2000, 400 and 400. */
	counts?: Record<Split, number>;
	/** Called after every image. Default: nothing. */
	onProgress?: (done: number, total: number) => void;
	/** Threads to draw with. Default: one per processor, at most 8. */
	workers?: number;
}

/**
 * Makes a synthetic data set of two classes, `intact` and `cracked`, in `dir/train`, `dir/valid` and `dir/test`, with
 * planted faults (see sample-faults.ts) that `dir/sample.json` lists.
 *
 * Everything is drawn in `dir/.making` and moved when it is complete; a call that was interrupted while moving is
 * finished by the next one.
 *
 * @param dir made if it is missing; other files in it stay as they are
 * @throws if `dir` already has a `train`, `valid` or `test` folder with something in it, or a `sample.json` of another
 *   origin
 */
export async function makeSampleDataset(dir: string, options: SampleOptions = {}): Promise<void> {
	const { seed = 42, counts = DEFAULT_COUNTS, onProgress } = options;
	// More than eight threads take longer to start than they save.
	const { workers = Math.min(8, availableParallelism()) } = options;
	const making = join(dir, ".making");
	if (isComplete(making, dir)) return moveInto(dir, making);
	refuseToOverwrite(dir);
	rmSync(making, { recursive: true, force: true });
	for (const split of SPLITS) {
		for (const className of CLASS_NAMES) mkdirSync(join(making, split, className), { recursive: true });
	}
	const jobs = imageJobs(seed, counts);
	const faults = plantFaults(jobs, seed, counts);
	for (const job of jobs) job.file = join(making, job.file);
	await draw(jobs, workers, onProgress);
	const about = { synthetic: true, generator: GENERATOR, seed, counts, faults };
	// Atomically and last, because its presence says that everything is there.
	writeFileAtomically(join(making, "sample.json"), `${JSON.stringify(about, null, "\t")}\n`);
	moveInto(dir, making);
}

/** The key of a scene is all that its image depends on. */
function imageJobs(seed: number, counts: Record<Split, number>): Job[] {
	return SPLITS.flatMap((split) =>
		CLASS_NAMES.flatMap((className) => {
			const cracked = Math.round(CRACKED * counts[split]);
			const count = className === "cracked" ? cracked : counts[split] - cracked;
			return Array.from({ length: count }, (_, index) => {
				const key = `${seed}/${split}/${className}/${index + 1}`;
				const storage = storageOf(key);
				const name = `${className}-${String(index + 1).padStart(4, "0")}.${storage.format}`;
				return { file: `${split}/${className}/${name}`, scene: { key, cracked: className === "cracked" }, storage };
			});
		}),
	);
}

/** Deals the jobs out to worker threads; resolves when all are done, rejects with the first error. */
async function draw(jobs: Job[], workers: number, onProgress: SampleOptions["onProgress"]): Promise<void> {
	let done = 0;
	const threads: Worker[] = [];
	const runs = Array.from({ length: workers }, (_, first) => {
		const own = jobs.filter((_, i) => i % workers === first);
		const thread = new Worker(join(__dirname, "sample-image.mjs"), { workerData: { jobs: own } });
		threads.push(thread);
		return new Promise<unknown>((resolve, reject) => {
			thread.on("message", () => onProgress?.(++done, jobs.length));
			thread.on("error", reject);
			thread.on("exit", resolve);
		});
	});
	try {
		await Promise.all(runs);
	} finally {
		await Promise.all(threads.map((thread) => thread.terminate()));
	}
}

const hasContents = (path: string) => existsSync(path) && readdirSync(path).length > 0;

/** Whether an earlier call drew everything and was interrupted while moving it, or just after. */
function isComplete(making: string, dir: string): boolean {
	if (existsSync(join(making, "sample.json"))) return true;
	return existsSync(making) && !hasContents(making) && SPLITS.every((split) => hasContents(join(dir, split)));
}

function refuseToOverwrite(dir: string): void {
	const remedy = "move it away to make the sample data set here.";
	// A file or a broken link is in the way too.
	const isTaken = (path: string) => (statOrNull(path)?.isDirectory() ? hasContents(path) : pathExists(path));
	const taken = SPLITS.find((split) => isTaken(join(dir, split)));
	if (taken) throw new Error(`${join(dir, taken)} already exists: ${remedy}`);
	const about = join(dir, "sample.json");
	if (existsSync(about) && !readFileSync(about, "utf8").includes(GENERATOR)) {
		throw new Error(`${about} is not from the sample data set: ${remedy}`);
	}
}

/** Moves what is not moved yet; `sample.json` goes last, so that it is never next to half a data set. */
function moveInto(dir: string, making: string): void {
	for (const name of [...SPLITS, "sample.json"]) {
		if (existsSync(join(making, name))) renameSync(join(making, name), join(dir, name));
	}
	rmdirSync(making);
}
