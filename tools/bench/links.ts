// Folders that benchmarks work on, made of links to the images of a data set.
import { linkSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { filesIn, isImageFile } from "../../src/images/folders";
import { at } from "../setup/paths.mjs";

/** Makes a data set with the first images of each class: `counts` has their number by split. */
export function linked(dataset: string, counts: Record<string, number>): string {
	const folder = mkdtempSync(join(tmpdir(), "bench-"));
	for (const [split, count] of Object.entries(counts)) {
		for (const name of readdirSync(join(dataset, split))) {
			const target = join(folder, split, name);
			mkdirSync(target, { recursive: true });
			const files = readdirSync(join(dataset, split, name))
				.sort()
				.slice(0, count);
			for (const file of files) linkSync(join(dataset, split, name, file), join(target, file));
		}
	}
	return folder;
}

/** Makes the small data set of `--quick`. */
export const quickDataset = (dataset: string): string => linked(dataset, { train: 128, valid: 32, test: 64 });

/** Makes a folder with `count` links to the training images, in turn. */
export function multiplied(dataset: string, count: number): string {
	mkdirSync(at("bench"), { recursive: true });
	const folder = mkdtempSync(at("bench", "links-"));
	const images = imagesIn(join(dataset, "train"));
	for (let i = 0; i < count; i++) {
		const image = images[i % images.length];
		linkSync(image, join(folder, `${i}${extname(image)}`));
	}
	return folder;
}

/** The paths of the image files in a folder and its subfolders. */
export const imagesIn = (folder: string): string[] => [...filesIn(folder)].filter(isImageFile).sort();
