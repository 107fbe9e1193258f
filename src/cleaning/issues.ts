// The issue report: `findIssues`.
import { relative, sep } from "node:path";
import type { DataFrame } from "danfojs-node";
import { toClassName } from "../datasets/classes";
import type { CaptionedImage } from "../images/decode";
import { filesIn, isImageFile, resolveSplit, SPLITS, splitFolder } from "../images/folders";
import { IMAGE_EXTENSIONS } from "../images/formats";
import { imageProperties } from "../images/properties";
import { requireFolder, statOrNull } from "../support/files";
import { groupBy } from "../support/iteration";
import { fileProgress, type OnFileProgress } from "../support/progress";
import { quantile } from "../support/statistics";
import { type Check, type Examined, scoresOf, THRESHOLDS } from "./checks";
import { compareImages, type DuplicateSet, exactCopies } from "./duplicates";

/** The issue report. */
export interface Issues {
	/**
	 * A row for each image: `path`, `split`, `class`, `format`, `width`, `height`, `bytes`, and for each check its score, 0
	 * (worst) to 1, and whether it is an issue: `darkScore`, `isDarkIssue` …
	 */
	table: DataFrame;
	/** A row for each check, the most frequent issue first: `issue`, `images`, `fraction` (0–1), `threshold`. */
	summary: DataFrame;
	/**
	 * A row for each class of each split: `split`, `class`, `images`, `fraction` of the split (0–1), `medianWidth`,
	 * `medianHeight`.
	 */
	classes: DataFrame;
	/** The sets of exact and near duplicates, the largest first. */
	duplicates: DuplicateSet[];
	/** Returns the images with an issue, the lowest scores first, for `showImages`; at most `most`, default 6. */
	worst(check: Check, most?: number): CaptionedImage[];
}

/** Options of `findIssues`. */
export interface FindIssuesOptions {
	/** Thresholds that differ from `THRESHOLDS`; 0 disables a check. Default: none. */
	thresholds?: Partial<Record<Check, number>>;
	/** Receives progress, see `OnFileProgress`. Default: prints a line every ten seconds. */
	onProgress?: OnFileProgress;
}

/**
 * Finds issues of decodable images: dark, blurry or odd ones, duplicates, leakage, label conflicts. Changes nothing.
 *
 * Follows cleanvision: its checks, scores and thresholds, measured on 64 × 64 pixels of an image. In addition, near
 * duplicates need not have the same perceptual hash, and duplicates across splits (`leakage`, mirrored and turned copies
 * included) and across classes (`labelConflict`) are separate checks. Each file is decoded once; files that cannot be decoded are skipped.
 *
 * @param directory a data set with `train`, `valid` (or `val`, `validation`) and `test`, or one folder per class, or a folder of images
 * @throws when there is no such folder, or no image in it
 */
export async function findIssues(directory: string, options: FindIssuesOptions = {}): Promise<Issues> {
	const thresholds = { ...THRESHOLDS, ...options.thresholds };
	const images = await examine(directory, options.onProgress);
	const hashGroups = groupBy([...images.keys()], (i) => images[i].hash.join());
	const copies = await exactCopies(images, hashGroups);
	const { scores: similarity, sets } = compareImages(images, hashGroups, directory, thresholds, copies);
	const scores: Record<Check, ArrayLike<number>> = { ...scoresOf(images), ...similarity };
	const isIssue = (check: Check, i: number) => scores[check][i] < thresholds[check];
	// Where most images are grey, a grey one is not unusual.
	const grey = images.filter((_, i) => isIssue("grayscale", i)).length;
	if (grey > images.length / 2) scores.grayscale = images.map(() => 1);
	return {
		...(await tables(directory, images, scores, thresholds)),
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

async function tables(
	directory: string,
	images: Examined[],
	scores: Record<Check, ArrayLike<number>>,
	thresholds: Record<Check, number>,
) {
	const { DataFrame } = await import("danfojs-node");
	const checks = Object.keys(THRESHOLDS) as Check[];
	const isIssue = (check: Check, i: number) => scores[check][i] < thresholds[check];
	const columns = ["path", "split", "class", "format", "width", "height", "bytes", ...checks.flatMap(columnsOf)];
	const rows = images.map((image, i) => [
		relative(directory, image.path),
		...[image.split, image.class, image.format, image.width, image.height, image.bytes],
		...checks.flatMap((check) => [scores[check][i], isIssue(check, i)]),
	]);
	const counts = checks.map((check) => ({ check, issues: images.filter((_, i) => isIssue(check, i)).length }));
	const summary = counts
		.sort((a, b) => b.issues - a.issues)
		.map(({ check, issues }) => [check, issues, issues / images.length, thresholds[check]]);
	return {
		table: new DataFrame(rows, { columns }),
		summary: new DataFrame(summary, { columns: ["issue", "images", "fraction", "threshold"] }),
		classes: new DataFrame(classRows(images)),
	};
}

/** Returns the columns of a check, for example `darkScore` and `isDarkIssue`. */
function columnsOf(check: Check): string[] {
	return [`${check}Score`, `is${check[0].toUpperCase()}${check.slice(1)}Issue`];
}

/** Measures all images of a data set, in the order of their paths. */
async function examine(directory: string, onProgress?: OnFileProgress): Promise<Examined[]> {
	requireFolder(resolveSplit(directory), "look for issues in");
	const files = locateImages(directory);
	const { tick, end } = fileProgress(files.size, onProgress);
	const images: Examined[] = [];
	for await (const properties of imageProperties(files.keys())) {
		await tick();
		const { split, class: name } = files.get(properties.path) as Location;
		images.push({ ...properties, split, class: name });
	}
	end();
	if (images.length === 0) throw new Error(`${directory} has no images: expected ${IMAGE_EXTENSIONS.join(", ")}`);
	const skipped = files.size - images.length;
	if (skipped > 0) console.log(`${skipped} files cannot be decoded and are skipped: run cleanTheData first`);
	const numberOf = ({ path }: Examined) => (files.get(path) as Location).number;
	return images.sort((a, b) => numberOf(a) - numberOf(b));
}

/** Where an image is: its split and class, `""` where there are no such folders, and its number in the order of the paths. */
type Location = { split: string; class: string; number: number };

function locateImages(directory: string): Map<string, Location> {
	const splits = SPLITS.map((split) => ({ split: split as string, folder: splitFolder(directory, split) }));
	const found = splits.filter(({ folder }) => statOrNull(folder)?.isDirectory());
	const locations = new Map<string, Location>();
	for (const { split, folder } of found.length > 0 ? found : [{ split: "", folder: resolveSplit(directory) }]) {
		for (const path of [...filesIn(folder)].filter(isImageFile).sort()) {
			const [first, ...rest] = relative(folder, path).split(sep);
			locations.set(path, { split, class: rest.length > 0 ? toClassName(first) : "", number: locations.size });
		}
	}
	return locations;
}

function classRows(images: Examined[]): object[] {
	const median = (values: number[]) => quantile(Float64Array.from(values).sort(), 0.5);
	return groupBy(images, (image) => `${image.split}/${image.class}`).map((group) => ({
		split: group[0].split,
		class: group[0].class,
		images: group.length,
		fraction: group.length / images.filter(({ split }) => split === group[0].split).length,
		medianWidth: median(group.map(({ width }) => width)),
		medianHeight: median(group.map(({ height }) => height)),
	}));
}
