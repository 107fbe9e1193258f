// One step on a data set of many images, in a process of its own, after a warm-up on few: answers with a line of JSON, the
// microseconds per image of each part, medians, and the most memory in MB.
// Arguments: the step, the data set's folder, its number of images, and a small data set's folder.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanTheData, findIssues } from "../../src/cleaning";
import { cnn } from "../../src/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets";
import { quantile } from "../../src/support/statistics";
import { compile, type Progress, train } from "../../src/training";

const [step, folder, files, small] = process.argv.slice(2);
process.env.XDG_CACHE_HOME = mkdtempSync(join(tmpdir(), "growth-cache-"));
process.on("exit", () => rmSync(process.env.XDG_CACHE_HOME as string, { recursive: true, force: true }));

/** Milliseconds per image, by part. */
type Times = Record<string, number>;

async function timed(part: string, count: number, work: () => Promise<unknown>): Promise<Times> {
	const started = performance.now();
	await work();
	return { [part]: (performance.now() - started) / count };
}

const steps: Record<string, (dataset: string, count: number) => Promise<Times>> = {
	cleaning: (dataset, count) =>
		timed("full decode", count, () => cleanTheData(dataset, { dryRun: true, cache: false, onProgress: null })),
	containers: (dataset, count) =>
		timed("containers only", count, () =>
			cleanTheData(dataset, { dryRun: true, check: "container", onProgress: null }),
		),
	issues: (dataset, count) => timed("issue search", count, () => findIssues(dataset, { onProgress: null })),
	training: epochs,
};

/** Trains a small network for three epochs. The first decodes the images; the first batch of each is not counted. */
async function epochs(dataset: string): Promise<Times> {
	const options = { imageSize: [32, 32] as [number, number], batchSize: 128, seed: 1, verbose: false };
	const data = imageDatasetFromDirectory(join(dataset, "train"), options);
	const model = cnn({ inputShape: [32, 32, 3], classes: 2, filters: [4, 8], seed: 1 });
	compile(model);
	const starts: number[] = [];
	const ends: number[] = [];
	const onProgress = ({ epoch, batch, done }: Progress) => {
		if (batch === 1) starts[epoch] ??= performance.now();
		if (!done) ends[epoch] = performance.now();
	};
	await train(model, data, { epochs: 3, onProgress });
	model.dispose();
	const [first, ...later] = [1, 2, 3].map((epoch) => (ends[epoch] - starts[epoch]) / (data.filePaths.length - 128));
	return { "first epoch": first, "later epochs": (later[0] + later[1]) / 2 };
}

const medianOf = (values: number[]) => quantile(Float64Array.from(values).sort(), 0.5);

(async () => {
	const { log } = console;
	console.log = () => {};
	await steps[step](small, 1000);
	const count = Number(files);
	const rounds: Times[] = [];
	// Few images take so little time that chance matters.
	while (rounds.length < Math.min(5, 20_000 / count)) rounds.push(await steps[step](folder, count));
	const times = Object.keys(rounds[0]).map((part) => [part, 1000 * medianOf(rounds.map((round) => round[part]))]);
	log(JSON.stringify({ ...Object.fromEntries(times), megabytes: process.resourceUsage().maxRSS / 1024 }));
})();
