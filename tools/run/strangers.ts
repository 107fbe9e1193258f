// Which images are unlike those that the model was trained on.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { splitFolder } from "../../src/images/folders";
import type { StrangerScore } from "../../src/review";
import { counted, percent } from "../../src/support/format";
import type { OnFileProgress } from "../../src/support/progress";

/** Finds the strangers among images that can be read; `nearest` are paths of training images. */
export type Detect = (paths: string[]) => Promise<(Omit<StrangerScore, "nearest"> & { nearest: string[] })[]>;

/**
 * Returns the paths of the images of a split that a model was trained with.
 *
 * @throws when they are not there any more
 */
export function trainedImages(dataset: string, split: string): string[] {
	if (!existsSync(splitFolder(dataset, split)))
		throw new Error(
			`the images that the model was trained with are not in ${dataset} any more: npm start trains again`,
		);
	const { imageDatasetFromDirectory } = require("../../src/datasets") as typeof import("../../src/datasets");
	return imageDatasetFromDirectory(splitFolder(dataset, split), { verbose: false }).filePaths;
}

/**
 * Fits the detector of strangers on the images that a model was trained with, by the features of a pretrained network: those
 * of a small one that was trained on a few classes do not tell strangers (`npm run bench -- strangers`).
 *
 * @param dataset folder with `train` and `valid`
 * @param options `artifacts`: folder below which features are kept; `falseAlarmRate`: see `fitStrangers`; `onProgress`:
 *   receives the progress of computing features
 * @throws when the images are not there any more, or the network's weights cannot be fetched
 */
export async function strangerDetector(
	dataset: string,
	{ artifacts, falseAlarmRate, onProgress }: { artifacts: string; falseAlarmRate: number; onProgress: OnFileProgress },
): Promise<Detect> {
	const [train, validation] = ["train", "valid"].map((split) => trainedImages(dataset, split));
	const { pretrained } = require("../../src/cnn") as typeof import("../../src/cnn");
	const review = require("../../src/review") as typeof import("../../src/review");
	const network = await pretrained("efficientnet-lite0");
	const featuresOf = (paths: string[]) => {
		const files = paths.map((path) => ({ path }));
		return review.featuresOf(network, files, { folder: join(artifacts, "features"), onProgress });
	};
	const detector = await review.fitStrangers(await featuresOf(train), await featuresOf(validation), { falseAlarmRate });
	if (detector.threshold === Number.POSITIVE_INFINITY)
		console.error(
			`${validation.length} validation images are too few for a false-alarm rate of ${falseAlarmRate}: no image is said to be unlike the training images`,
		);
	return async (paths) => {
		if (paths.length === 0) return [];
		const found = await review.detectStrangers(await featuresOf(paths), detector);
		return found.map(({ nearest, ...score }) => ({ ...score, nearest: nearest.map((i) => train[i]) }));
	};
}

/** Says how many images are strangers, beside how many usual ones would be; null where there are too few images to know. */
export function shareOfStrangers(found: Awaited<ReturnType<Detect>>, falseAlarmRate: number): string | null {
	if (found.length === 0 || found[0].threshold === Number.POSITIVE_INFINITY) return null;
	const strangers = found.filter(({ isStranger }) => isStranger).length;
	return `${strangers} of ${counted(found.length, "image")} ${strangers === 1 ? "is" : "are"} not like the training images; of usual ones ${percent(falseAlarmRate)} are said to be so.`;
}
