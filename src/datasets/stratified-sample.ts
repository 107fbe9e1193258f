// A random sample of the files of a dataset, with the class proportions of the whole.
import { shuffled } from "../support/iteration";
import type { ImageDataset, LabelledFile } from "./types";

/**
 * Draws files at random, class by class, in the proportions of the classes:
 * `sklearn.model_selection.train_test_split(train_size=…, stratify=labels)`. A class has at least one file in the sample.
 *
 * @param data dataset to draw from
 * @param images number of files to draw, 1 or more; all when the dataset has no more
 * @param seed random seed of the draw
 * @returns files in the dataset's order, for `imageDatasetFromFiles`
 */
export function stratifiedSample(
	{ filePaths, labels }: Pick<ImageDataset, "filePaths" | "labels">,
	images: number,
	seed: number,
): LabelledFile[] {
	if (!(Number.isInteger(images) && images >= 1)) throw new Error(`images is ${images}: expected 1 or more`);
	const files = filePaths.map((path, i) => ({ path, label: labels[i] }));
	if (images >= files.length) return files;
	const members = [...new Set(labels)].map((label) => files.filter((file) => file.label === label));
	const quotas = members.map(({ length }) => (length * images) / files.length);
	const sizes = quotas.map((quota) => Math.max(1, Math.floor(quota)));
	// What rounding down leaves goes to the classes with the largest remainders.
	const byRemainder = quotas.map((_, k) => k).sort((a, b) => (quotas[b] % 1) - (quotas[a] % 1));
	let left = images - sizes.reduce((total, size) => total + size, 0);
	for (const k of byRemainder) {
		if (left <= 0) break;
		if (quotas[k] < 1) continue;
		sizes[k]++;
		left--;
	}
	const drawn = new Set(members.flatMap((group, k) => shuffled(group, `${seed}/sample/${k}`).slice(0, sizes[k])));
	return files.filter((file) => drawn.has(file));
}
