// Makes the sample data set: pictures of intact and cracked surfaces, drawn by the computer (sample-image.mjs).
import {
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmdirSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
// On Linux sharp's libraries must be loaded here before its first use in a worker, or they are unloaded too early.
import "sharp";

const generator = "tools/sample-dataset.mjs";
const splits = ["train", "valid", "test"];
const classNames = ["intact", "cracked"];

/** Files that cannot be decoded, in addition to the counts: data cleaning needs something to find. */
const broken = [
	{ file: "train/cracked/cracked-0233b.jpg", damage: "plain text" },
	{ file: "train/cracked/cracked-0457b.jpg", damage: "cut off after 70 %" },
	{ file: "train/cracked/cracked-0790b.jpg", damage: "first 16 bytes overwritten" },
	{ file: "train/intact/intact-0112b.jpg", damage: "cut off after 30 %" },
	{ file: "train/intact/intact-0648b.png", damage: "cut off after 70 %" },
	{ file: "train/intact/intact-0803b.jpg", damage: "empty" },
	{ file: "valid/cracked/cracked-0133b.jpg", damage: "cut off after 30 %" },
	{ file: "valid/intact/intact-0071b.jpg", damage: "an HTML page" },
	{ file: "test/cracked/cracked-0029b.png", damage: "first 16 bytes overwritten" },
	{ file: "test/intact/intact-0158b.jpg", damage: "cut off after 70 %" },
];

/**
 * Makes a synthetic data set of two classes, `intact` and `cracked`, in `dir/train`, `dir/valid` and `dir/test`, with
 * a few broken files among them, and says so in `dir/sample.json`. Everything is drawn in `dir/.making` and moved when
 * it is complete; a call that was interrupted while moving is finished by the next one. The same seed gives the same
 * bytes on any number of processors.
 *
 * @param {string} dir made if it is missing; what else is in it stays as it is
 * @param {object} [options]
 * @param {number} [options.seed] default 42
 * @param {{train: number, valid: number, test: number}} [options.counts] pictures per split, half of them cracked;
 *   default 2000, 400 and 400
 * @param {(done: number, total: number) => void} [options.onProgress] called after every picture
 * @param {number} [options.workers] threads to draw with; default: one per processor, at most 8
 * @throws {Error} if `dir` already has a `train`, `valid` or `test` folder with something in it, or a `sample.json`
 *   of another origin
 */
export async function makeSampleDataset(dir, options = {}) {
	const { seed = 42, counts = { train: 2000, valid: 400, test: 400 }, onProgress } = options;
	// More than eight threads take longer to start than they save.
	const { workers = Math.min(8, availableParallelism()) } = options;
	const making = join(dir, ".making");
	if (isComplete(making, dir)) return moveInto(dir, making);
	refuseToOverwrite(dir);
	rmSync(making, { recursive: true, force: true });
	for (const split of splits) {
		for (const className of classNames) mkdirSync(join(making, split, className), { recursive: true });
	}
	const jobs = [...pictureJobs(seed, counts), ...brokenJobs(seed)];
	for (const job of jobs) job.file = join(making, job.file);
	await draw(jobs, workers, onProgress);
	const about = { synthetic: true, generator, seed, counts, broken };
	// Written under another name first, because its presence says that everything is there.
	writeFileSync(join(making, "sample.json.part"), `${JSON.stringify(about, null, "\t")}\n`);
	renameSync(join(making, "sample.json.part"), join(making, "sample.json"));
	moveInto(dir, making);
}

/** Half of each split for either class; `key` is all that a picture depends on. */
function pictureJobs(seed, counts) {
	return splits.flatMap((split) =>
		classNames.flatMap((className, which) => {
			const count = Math.floor((counts[split] + 1 - which) / 2);
			return Array.from({ length: count }, (_, index) => ({
				file: `${split}/${className}/${className}-${String(index + 1).padStart(4, "0")}`,
				key: `${seed}/${split}/${className}/${index + 1}`,
				cracked: className === "cracked",
			}));
		}),
	);
}

function brokenJobs(seed) {
	return broken.map(({ file, damage }) => {
		const [stem, format] = file.split(".");
		return { file: stem, key: `${seed}/${stem}`, cracked: file.includes("cracked"), format, damage };
	});
}

/** Deals the jobs out to worker threads; resolves when all are done, rejects with the first error. */
async function draw(jobs, workers, onProgress) {
	let done = 0;
	const threads = [];
	const runs = Array.from({ length: workers }, (_, first) => {
		const own = jobs.filter((_, i) => i % workers === first);
		const thread = new Worker(new URL("sample-image.mjs", import.meta.url), { workerData: { jobs: own } });
		threads.push(thread);
		return new Promise((resolve, reject) => {
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

const hasContents = (path) => existsSync(path) && readdirSync(path).length > 0;

/** Whether an earlier call drew everything and was interrupted while moving it, or just after. */
function isComplete(making, dir) {
	if (existsSync(join(making, "sample.json"))) return true;
	return existsSync(making) && !hasContents(making) && splits.every((split) => hasContents(join(dir, split)));
}

function refuseToOverwrite(dir) {
	const remedy = "move it away to make the sample data set here.";
	const taken = splits.find((split) => hasContents(join(dir, split)));
	if (taken) throw new Error(`${join(dir, taken)} already exists and is not empty: ${remedy}`);
	const about = join(dir, "sample.json");
	if (existsSync(about) && !readFileSync(about, "utf8").includes(generator)) {
		throw new Error(`${about} is not from the sample data set: ${remedy}`);
	}
}

/** Moves what is not moved yet; `sample.json` goes last, so that it never stands beside half a data set. */
function moveInto(dir, making) {
	for (const name of [...splits, "sample.json"]) {
		if (existsSync(join(making, name))) renameSync(join(making, name), join(dir, name));
	}
	rmdirSync(making);
}
