// The issue report: `findIssues`.
import { existsSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { DataFrame } from "danfojs-node";
import type { CaptionedImage } from "../images/decode";
import { filesIn, isImageFile, SPLITS } from "../images/folders";
import { IMAGE_EXTENSIONS } from "../images/formats";
import { imageProperties } from "../images/properties";
import { requireFolder } from "../support/files";
import { groupBy } from "../support/iteration";
import { fileProgress, type OnFileProgress } from "../support/progress";
import { quantile } from "../support/statistics";
import { type Check, type Examined, scoresOf, THRESHOLDS } from "./checks";
import { compare, type DuplicateSet, exactCopies } from "./duplicates";

export interface Issues {
	/**
	 * A row for each image: `path`, `split`, `class`, `format`, `width`, `height`, `bytes`, and for each check its
	 * score, 0 (worst) to 1, and whether it is an issue: `darkScore`, `isDarkIssue`…
	 */
	table: DataFrame;
	/** A row for each check, the most frequent issue first: `issue`, `images`, `fraction` (0–1), `threshold`. */
	summary: DataFrame;
	/** A row for each class of each split: `split`, `class`, `images`, `fraction` of the split, and the sides' median. */
	classes: DataFrame;
	/** The largest set first. */
	duplicates: DuplicateSet[];
	/** The images with the lowest scores, as far as they are issues, for `showImages`. Default: six. */
	worst(check: Check, most?: number): CaptionedImage[];
}

export interface FindIssuesOptions {
	/** Other thresholds than those of `THRESHOLDS`; 0 switches a check off. */
	thresholds?: Partial<Record<Check, number>>;
	/** Is told how far it is, see `OnFileProgress`. */
	onProgress?: OnFileProgress;
}

/**
 * Looks for what harms training though it can be decoded, and changes nothing.
 *
 * Follows cleanvision: its checks, scores and thresholds, measured on 64 × 64 of an image's pixels. Beyond it, near
 * duplicates need not have the same perceptual hash, and those across splits (leakage) and across classes (conflicts of
 * labels) have a check of their own. Each file is decoded once.
 *
 * @param directory a data set with `train`, `valid` and `test`, or one folder per class, or a folder of images
 * @throws when there is no such folder, or no image in it
 */
export async function findIssues(directory: string, options: FindIssuesOptions = {}): Promise<Issues> {
	const thresholds = { ...THRESHOLDS, ...options.thresholds };
	const images = await examine(directory, options.onProgress);
	const looks = groupBy([...images.keys()], (i) => images[i].hash.join());
	const copies = await exactCopies(images, looks);
	const { nearest, sets } = compare(images, looks, directory, thresholds, copies);
	const scores: Record<Check, ArrayLike<number>> = { ...scoresOf(images), ...nearest };
	const isIssue = (check: Check, i: number) => scores[check][i] < thresholds[check];
	const checks = Object.keys(THRESHOLDS) as Check[];
	// Where most images are grey, grey is not odd.
	const grey = images.filter((_, i) => isIssue("grayscale", i)).length;
	if (grey > images.length / 2) scores.grayscale = images.map(() => 1);

	const { DataFrame } = await import("danfojs-node");
	const columns = ["path", "split", "class", "format", "width", "height", "bytes", ...checks.flatMap(columnsOf)];
	const rows = images.map((image, i) => [
		relative(directory, image.path),
		...[image.split, image.class, image.format, image.width, image.height, image.bytes],
		...checks.flatMap((check) => [scores[check][i], isIssue(check, i)]),
	]);
	const found = checks.map((check) => ({ check, images: images.filter((_, i) => isIssue(check, i)).length }));
	const summary = found
		.sort((a, b) => b.images - a.images)
		.map(({ check, images: some }) => [check, some, some / images.length, thresholds[check]]);
	return {
		table: new DataFrame(rows, { columns }),
		summary: new DataFrame(summary, { columns: ["issue", "images", "fraction", "threshold"] }),
		classes: new DataFrame(balanceOf(images)),
		duplicates: sets,
		worst(check, most = 6) {
			const issues = [...images.keys()].filter((i) => isIssue(check, i));
			const first = issues.sort((a, b) => scores[check][a] - scores[check][b]).slice(0, most);
			return first.map((i) => ({
				image: images[i].path,
				caption: `${relative(directory, images[i].path)}: ${scores[check][i].toFixed(2)}`,
			}));
		},
	};
}

/** `darkScore` and `isDarkIssue`. */
function columnsOf(check: Check): string[] {
	return [`${check}Score`, `is${check[0].toUpperCase()}${check.slice(1)}Issue`];
}

async function examine(directory: string, onProgress?: OnFileProgress): Promise<Examined[]> {
	requireFolder(directory, "look for issues in");
	const splits = SPLITS.filter((split) => existsSync(join(directory, split)));
	const roots = splits.length > 0 ? splits.map((split) => join(directory, split)) : [directory];
	const files = roots.flatMap((root) => [...filesIn(root)].filter(isImageFile).sort());
	const { tick, end } = fileProgress(files.length, onProgress);
	const images: Examined[] = [];
	for await (const properties of imageProperties(files)) {
		await tick();
		const parts = relative(directory, properties.path).split(sep);
		const split = splits.length > 0 ? (parts.shift() as string) : "";
		images.push({ ...properties, split, class: parts.length > 1 ? parts[0] : "" });
	}
	end();
	if (images.length === 0) throw new Error(`${directory} has no images: expected ${IMAGE_EXTENSIONS.join(", ")}`);
	const left = files.length - images.length;
	if (left > 0) console.log(`${left} files cannot be decoded, run cleanTheData first: they are left out`);
	const order = new Map(files.map((path, i) => [path, i]));
	return images.sort((a, b) => (order.get(a.path) as number) - (order.get(b.path) as number));
}

function balanceOf(images: Examined[]): object[] {
	const median = (values: number[]) => quantile(Float64Array.from(values).sort(), 0.5);
	return groupBy(images, (image) => `${image.split}/${image.class}`).map((some) => ({
		split: some[0].split,
		class: some[0].class,
		images: some.length,
		fraction: some.length / images.filter(({ split }) => split === some[0].split).length,
		medianWidth: median(some.map(({ width }) => width)),
		medianHeight: median(some.map(({ height }) => height)),
	}));
}
