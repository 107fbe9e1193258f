// The images in a run's TensorBoard logs: the confusion matrix, and some images of each class.
import { join } from "node:path";
import sharp from "sharp";
import { toClassName } from "../../src/datasets/classes";
import { confusionMatrixFigure } from "../../src/display/figures";
import { svgOf } from "../../src/display/svg";
import { classFolders, filesIn, isImageFile, splitFolder } from "../../src/images/folders";
import { formatOf } from "../../src/images/formats";
import { openBySharp } from "../../src/images/raw";
import { readRegularFile, statOrNull } from "../../src/support/files";
import { printable } from "../../src/support/text";
import { image, type Summary } from "./events";

/** The most classes that are drawn: cells of more are too small to read, and the page of TensorBoard has a card for each. */
const MOST_CLASSES = 100;
/** Images of a class, and the number of files that are tried for them. */
const SAMPLES = { images: 2, files: 8 };
/** Width and height of a sample in pixels. */
const SIDE = 128;

/** Returns the confusion matrix as a PNG; nothing for more than 100 classes. */
export async function matrixImage(matrix: number[][], classNames: string[]): Promise<Summary[]> {
	if (classNames.length > MOST_CLASSES) return [];
	const side = Math.max(360, 200 + 32 * classNames.length);
	const size = { width: side, height: side };
	const svg = svgOf(confusionMatrixFigure(matrix, classNames), size) ?? "";
	const png = await sharp(Buffer.from(svg)).flatten({ background: "#fff" }).png().toBuffer();
	return [image("confusion_matrix", [png], size)];
}

/**
 * Returns two images of each class, as JPEGs under the tag `samples/<class>`: of the test split, or of another where there is
 * none. Without those that only TensorFlow decodes, BMP, and for the first 100 classes.
 */
export async function sampleImages(dataset: string, classNames: string[]): Promise<Summary[]> {
	const splits = ["test", "valid", "train"].map((name) => splitFolder(dataset, name));
	const split = splits.find((folder) => statOrNull(folder)?.isDirectory());
	if (!split) return [];
	const folders = new Map(classFolders(split).map((name) => [toClassName(name), join(split, name)]));
	const samples: Summary[] = [];
	for (const name of classNames.slice(0, MOST_CLASSES)) {
		const folder = folders.get(toClassName(name));
		const images = folder ? await thumbnails(folder) : [];
		if (images.length > 0) samples.push(image(`samples/${printable(name)}`, images, { width: SIDE, height: SIDE }));
	}
	return samples;
}

/** Returns the first images of a folder by name as JPEGs. */
async function thumbnails(folder: string): Promise<Buffer[]> {
	const images: Buffer[] = [];
	for (const file of [...filesIn(folder)].filter(isImageFile).sort().slice(0, SAMPLES.files)) {
		const jpeg = await thumbnail(file).catch(() => null);
		if (jpeg) images.push(jpeg);
		if (images.length === SAMPLES.images) break;
	}
	return images;
}

/** Returns an image as a JPEG, upright or not as training sees it; null for an unknown format. */
async function thumbnail(file: string): Promise<Buffer | null> {
	const bytes = await readRegularFile(file);
	const format = formatOf(bytes);
	const square = { width: SIDE, height: SIDE, fit: "contain", background: "#fff" } as const;
	return format && openBySharp(format, bytes).flatten({ background: "#fff" }).resize(square).jpeg().toBuffer();
}
