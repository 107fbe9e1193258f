// Plants the faults of the sample data set: what cleaning, the issue report and a look at mistakes should find.
import { SPLITS, type Split } from "../../src/images/folders";
import type { Job } from "./sample-image.mjs";
import { randomFrom } from "./sample-random.mjs";
import { BLURRED, storageOf } from "./sample-storage.mjs";

/** A planted fault, as in `sample.json`. */
export interface Fault {
	/** The path in the data set. */
	file: string;
	kind:
		| "corrupt"
		| "wrong label"
		| "leak"
		| "label conflict"
		| "exact duplicate"
		| "near duplicate"
		| "dark"
		| "light"
		| "blurry"
		| "low information"
		| "odd size"
		| "odd aspect ratio";
	detail: string;
	/** The original, if the file is a copy. */
	of?: string;
}

/** Files that cannot be decoded, in addition to the counts of images. */
const CORRUPT: { file: string; damage: NonNullable<Job["damage"]> }[] = [
	{ file: "train/cracked/cracked-0233b.jpg", damage: "plain text" },
	{ file: "train/cracked/cracked-0390b.jpg", damage: "cut off after 70 %" },
	{ file: "train/cracked/cracked-0457b.jpg", damage: "first 16 bytes overwritten" },
	{ file: "train/intact/intact-0112b.jpg", damage: "cut off after 30 %" },
	{ file: "train/intact/intact-0648b.png", damage: "cut off after 70 %" },
	{ file: "train/intact/intact-0803b.jpg", damage: "empty" },
	{ file: "valid/cracked/cracked-0083b.jpg", damage: "cut off after 30 %" },
	{ file: "valid/intact/intact-0071b.jpg", damage: "an HTML page" },
	{ file: "test/cracked/cracked-0029b.png", damage: "first 16 bytes overwritten" },
	{ file: "test/intact/intact-0158b.jpg", damage: "cut off after 70 %" },
];

/** The usual number of images, for which the numbers of faults below are. Fewer images have fewer faults. */
export const DEFAULT_COUNTS: Record<Split, number> = { train: 2000, valid: 400, test: 400 };

const WRONG_LABELS: Record<Split, number> = { train: 30, valid: 5, test: 5 };

type Alteration = Job["alteration"];
type Copies = Extract<Fault["kind"], "leak" | "label conflict" | "exact duplicate" | "near duplicate">;
/** Copies of training images; without an alteration, of the same bytes. */
const COPIES: { kind: Copies; split: Split; alterations: Alteration[] }[] = [
	{ kind: "leak", split: "valid", alterations: [undefined, "mirrored", "saved again with lower quality"] },
	{
		kind: "leak",
		split: "test",
		alterations: [undefined, "mirrored", "saved again with lower quality", "resized", "brightened"],
	},
	{ kind: "label conflict", split: "train", alterations: [undefined, "saved again with lower quality", "brightened"] },
	{ kind: "exact duplicate", split: "train", alterations: [undefined, undefined] },
	{ kind: "near duplicate", split: "train", alterations: ["saved again with lower quality", "resized", "brightened"] },
];

type Size = [width: number, height: number];
type Photos = Exclude<Fault["kind"], Copies | "corrupt" | "wrong label">;
/** Bad photographs. */
const PHOTOS: { kind: Photos; split: Split; alterations?: Alteration[]; size?: Size; sizes?: Size[] }[] = [
	{ kind: "dark", split: "train", alterations: ["near black", "near black", "near black", "near black"] },
	{ kind: "dark", split: "test", alterations: ["near black"] },
	{ kind: "light", split: "train", alterations: ["overexposed", "overexposed", "overexposed"] },
	{ kind: "light", split: "valid", alterations: ["overexposed"] },
	{
		kind: "blurry",
		split: "train",
		alterations: ["out of focus", "out of focus", "out of focus", "out of focus"],
		size: BLURRED,
	},
	{ kind: "blurry", split: "test", alterations: ["out of focus"], size: BLURRED },
	{ kind: "low information", split: "train", alterations: ["lens cap on", "a single grey"] },
	{
		kind: "odd size",
		split: "train",
		sizes: [
			[640, 480],
			[36, 30],
		],
	},
	{ kind: "odd size", split: "valid", sizes: [[30, 36]] },
	{ kind: "odd aspect ratio", split: "train", sizes: [[400, 100]] },
	{ kind: "odd aspect ratio", split: "test", sizes: [[90, 320]] },
];

/**
 * Plants faults in a set of sound images: some jobs are changed, none is added but the corrupt files.
 *
 * @param jobs the images; `file` is relative
 * @param counts the images of each split
 * @returns the faults, by path
 */
export function plantFaults(jobs: Job[], seed: number, counts: Record<Split, number>): Fault[] {
	const random = randomFrom(`${seed}/faults`);
	const faults: Fault[] = [];
	const sound = new Set(jobs);
	/** Takes an image that is sound yet. */
	const take = (folder: string) => {
		const job = random.pick([...sound].filter(({ file }) => file.startsWith(`${folder}/`)));
		sound.delete(job);
		return job;
	};
	const scaled = (number: number, split: Split) =>
		Math.round(number * Math.min(1, counts[split] / DEFAULT_COUNTS[split]));
	const few = <Item>(list: Item[], split: Split) => list.slice(0, scaled(list.length, split));

	for (const split of SPLITS) {
		for (let i = scaled(WRONG_LABELS[split], split); i > 0; i--) {
			const { file, scene } = take(split);
			scene.cracked = !scene.cracked;
			// The mistake is plain to see, or nobody could call it one.
			scene.severity = random.between(0.6, 1);
			faults.push({ file, kind: "wrong label", detail: `shows ${scene.cracked ? "a crack" : "no crack"}` });
		}
	}
	for (const { kind, split, alterations } of COPIES) {
		for (const [i, alteration] of few(alterations, split).entries()) {
			const classes = i % 3 === 1 ? ["cracked", "intact"] : ["intact", "cracked"];
			const original = take(`train/${classes[0]}`);
			const copy = take(`${split}/${classes[kind === "label conflict" ? 1 : 0]}`);
			const format = alteration ? "jpg" : original.storage.format;
			Object.assign(copy, { scene: original.scene, storage: original.storage, alteration });
			copy.file = `${stemOf(copy.file)}.${format}`;
			faults.push({ file: copy.file, kind, detail: alteration ?? "the same bytes", of: original.file });
		}
	}
	for (const { kind, split, alterations = [], size, sizes = [] } of PHOTOS) {
		for (const alteration of few(alterations, split)) {
			const job = take(split);
			job.alteration = alteration;
			if (size) job.scene.size = size;
			job.file = `${stemOf(job.file)}.jpg`;
			faults.push({ file: job.file, kind, detail: alteration as string });
		}
		for (const size of few(sizes, split)) {
			const job = take(split);
			job.scene.size = size;
			faults.push({ file: job.file, kind, detail: `${size[0]} × ${size[1]} pixels` });
		}
	}
	for (const { file, damage } of CORRUPT) {
		const key = `${seed}/${stemOf(file)}`;
		const storage = { ...storageOf(key), format: file.slice(-3) };
		jobs.push({ file, scene: { key, cracked: file.includes("cracked") }, storage, damage });
		faults.push({ file, kind: "corrupt", detail: damage });
	}
	return faults.sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** Returns a path without extension. */
function stemOf(file: string): string {
	return file.replace(/\.\w+$/, "");
}
