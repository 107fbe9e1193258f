// Training speed by image size and batch size: a table and a plot. By number of images: `growth-images.ts`.
// Arguments: the data set's folder, whose training images are linked as often as needed, and the folder for results.
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { cnn } from "../../src/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets";
import { svgOf } from "../../src/display";
import { compile, type Progress, train } from "../../src/training";

const [dataset, results] = process.argv.slice(2);
const images = imageDatasetFromDirectory(join(dataset, "train"), { verbose: false });
type Setting = { files: number; imageSize: number; batchSize: number };
/** What grows, and the fixed settings meanwhile. */
const scales: { [what in "imageSize" | "batchSize"]: { values: number[]; others: Omit<Setting, what> } } = {
	imageSize: { values: [32, 64, 96, 128, 160, 224], others: { files: 512, batchSize: 32 } },
	batchSize: { values: [8, 32, 128, 512], others: { files: 2048, imageSize: 64 } },
};

/** Links the training images into a folder per class, most of them under several names. */
function linked(files: number): string {
	const folder = mkdtempSync(join(tmpdir(), "growth-"));
	for (const name of images.classNames) mkdirSync(join(folder, name));
	for (let i = 0; i < files; i++) {
		// The list is class by class: steps of a prime number take from all of them.
		const k = (i * 7919) % images.filePaths.length;
		const source = images.filePaths[k];
		linkSync(source, join(folder, images.classNames[images.labels[k]], `${i}${extname(source)}`));
	}
	return folder;
}

/** Measures images a second: in the first epoch, which decodes, and in the second, which does not. */
async function measure({ files, imageSize, batchSize }: Setting): Promise<{ first: number; second: number }> {
	const folder = linked(files);
	const size: [number, number] = [imageSize, imageSize];
	const data = imageDatasetFromDirectory(folder, { imageSize: size, batchSize, seed: 1, verbose: false });
	// Small images do not have the pixels for four blocks.
	const filters = imageSize < 46 ? [32, 64, 128] : undefined;
	const model = cnn({ inputShape: [...size, 3], classes: data.classNames.length, filters, seed: 1 });
	compile(model);
	// The first batch of an epoch is ignored, and with it what is made once.
	const starts: Record<number, number> = {};
	const seconds: Record<number, number> = {};
	const onProgress = ({ epoch, batch, done }: Progress) => {
		if (batch === 1) starts[epoch] ??= performance.now();
		if (!done) seconds[epoch] = (performance.now() - starts[epoch]) / 1000;
	};
	await train(model, data, { epochs: 2, onProgress });
	model.dispose();
	rmSync(folder, { recursive: true });
	const counted = files - batchSize;
	return { first: Math.round(counted / seconds[1]), second: Math.round(counted / seconds[2]) };
}

(async () => {
	await measure({ files: 512, imageSize: 64, batchSize: 32 });
	const traces: object[] = [];
	console.log("\nTraining speed in images a second\n");
	for (const [what, { values, others }] of Object.entries(scales)) {
		const speeds: { first: number; second: number }[] = [];
		for (const value of values) {
			const speed = await measure({ ...others, [what]: value } as Setting);
			speeds.push(speed);
			console.log(
				`${what.padEnd(10)}${String(value).padStart(7)}   first epoch ${speed.first}, second ${speed.second}`,
			);
		}
		for (const epoch of ["first", "second"] as const) {
			const y = speeds.map((speed) => speed[epoch] / speeds[0][epoch]);
			const x = values.map((value) => value / values[0]);
			traces.push({ type: "scatter", name: `${what}, ${epoch} epoch`, x, y });
		}
	}
	const [xaxis, yaxis] = ["multiple of the smallest value", "multiple of the speed there"].map((text) => ({
		title: { text },
	}));
	const layout = { title: { text: "Training speed as things grow" }, xaxis, yaxis };
	const plot = join(results, "growth.svg");
	writeFileSync(plot, svgOf({ data: traces, layout }) ?? "");
	console.log(`\n${plot} shows them.`);
})();
