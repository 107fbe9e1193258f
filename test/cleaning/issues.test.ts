import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import sharp, { type Sharp } from "sharp";
import type { Check } from "../../src/cleaning/checks";
import { findIssues, type Issues } from "../../src/cleaning/issues";
import { closePairs } from "../../src/cleaning/near-pairs";
import { perceptualHash, SYMMETRIES, transposed } from "../../src/images/perceptual-hash";
import { imageProperties } from "../../src/images/properties";
import { contents, fixture, imageFolder, printed, root, temporaryFolder } from "../helpers";

/** cleanvision's scores and issues and ImageHash's pHash, by file name. */
type Recorded = Record<string, { hash: string; scores: Record<string, number>; issues: string[] }>;
const recorded = fixture<Recorded>("issues");
const odd = join(root, "test", "fixtures", "issues");

const rowsOf = ({ table }: Issues) =>
	(table.values as unknown[][]).map((row) => Object.fromEntries(table.columns.map((name, i) => [name, row[i]])));
const camelCase = (name: string) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const flag = (check: string) => `is${check[0].toUpperCase()}${check.slice(1)}Issue`;

describe("findIssues", () => {
	let issues: Issues;
	before(async () => {
		issues = await findIssues(odd, { onProgress: null });
	});

	test("gives cleanvision's scores", () => {
		// Brightness and entropy are measured on 4,096 pixels of an image; grayscale is gradual here, and 0 or 1 in cleanvision.
		const tolerances: Record<string, number> = {
			low_information: 0.03,
			dark: 0.02,
			light: 0.02,
			blurry: 0.01,
			grayscale: 1,
		};
		for (const row of rowsOf(issues)) {
			for (const [check, score] of Object.entries(recorded[row.path as string].scores)) {
				const difference = Math.abs((row[`${camelCase(check)}Score`] as number) - score);
				const tolerance = tolerances[check] ?? 1e-9;
				assert.ok(difference <= tolerance, `${row.path}, ${check}: ${difference}`);
			}
		}
	});

	test("gives cleanvision's issues", () => {
		for (const row of rowsOf(issues)) {
			const { scores, issues: expected } = recorded[row.path as string];
			const found = Object.keys(scores).filter((check) => row[flag(camelCase(check))]);
			assert.deepEqual(found, expected, row.path as string);
		}
	});

	test("finds resized and brightened copies, and no others", () => {
		assert.deepEqual(issues.duplicates, [
			{ paths: ["again.jpg", "brighter.jpg", "plain.jpg"], kind: "near", splits: [""], classes: [""] },
		]);
	});

	test("hashes as ImageHash's phash", async () => {
		const paths = Object.keys(recorded).filter((name) => name !== "light.png"); // all its frequencies are 0
		for await (const { path, hash } of imageProperties(paths.map((name) => join(odd, name)))) {
			const expected = BigInt(`0x${recorded[basename(path)].hash}`);
			let bits = ((BigInt(hash[0]) << 32n) | BigInt(hash[1])) ^ expected;
			let different = 0;
			for (; bits; bits >>= 1n) different += Number(bits & 1n);
			assert.ok(different <= 4, `${path}: ${different} bits`);
		}
	});

	test("summarizes the checks, and returns the worst images", () => {
		const summary = issues.summary.values as [Check, number, number, number][];
		assert.deepEqual(summary[0].slice(0, 2), ["oddSize", 3]);
		for (const [check, found] of summary) {
			const inTable = rowsOf(issues).filter((row) => row[flag(check)]).length;
			assert.equal(found, inTable, check);
			assert.equal(issues.worst(check, 100).length, inTable, check);
		}
		assert.match(issues.worst("dark")[0].caption as string, /^dark\.jpg: 0\.\d\d$/);
		assert.equal(issues.worst("dark")[0].image, join(odd, "dark.jpg"));
		assert.deepEqual((issues.classes.values as unknown[][])[0].slice(0, 4), ["", "", 12, 1]);
	});
});

describe("findIssues on a data set with splits", () => {
	const folder = temporaryFolder();
	const files: Record<string, string> = {
		"train/cat/plain.jpg": "plain.jpg",
		"train/cat/same.jpg": "plain.jpg",
		"train/cat/other.jpg": "other.jpg",
		"train/dog/third.jpg": "third.jpg",
		"train/dog/conflict.jpg": "other.jpg",
		"test/cat/leaked.jpg": "again.jpg",
		"test/dog/wide.jpg": "wide.jpg",
	};
	let issues: Issues;
	before(async () => {
		for (const [name, source] of Object.entries(files)) {
			mkdirSync(join(folder, name, ".."), { recursive: true });
			copyFileSync(join(odd, source), join(folder, name));
		}
		writeFileSync(join(folder, "train", "cat", "broken.jpg"), "broken");
		const unchanged = contents(folder);
		const text = await printed(async () => {
			issues = await findIssues(folder);
		});
		assert.match(text, /^1 files cannot be decoded and are skipped: run cleanTheData first$/m);
		assert.deepEqual(contents(folder), unchanged);
	});
	const flagged = (check: Check) =>
		rowsOf(issues)
			.filter((row) => row[flag(check)])
			.map((row) => row.path)
			.sort();

	test("leakage is across splits, label conflicts are across classes", () => {
		assert.deepEqual(flagged("leakage"), ["test/cat/leaked.jpg", "train/cat/plain.jpg", "train/cat/same.jpg"]);
		assert.deepEqual(flagged("labelConflict"), ["train/cat/other.jpg", "train/dog/conflict.jpg"]);
		assert.deepEqual(flagged("exactDuplicates"), [
			"train/cat/other.jpg",
			"train/cat/plain.jpg",
			"train/cat/same.jpg",
			"train/dog/conflict.jpg",
		]);
		// Exact copies alone are no near duplicates.
		assert.deepEqual(flagged("nearDuplicates"), ["test/cat/leaked.jpg", "train/cat/plain.jpg", "train/cat/same.jpg"]);
	});

	test("duplicate sets name their splits and classes", () => {
		const [leak, conflict] = issues.duplicates;
		assert.deepEqual([leak.kind, leak.splits, leak.classes], ["near", ["test", "train"], ["cat"]]);
		assert.deepEqual([conflict.kind, conflict.splits, conflict.classes], ["exact", ["train"], ["cat", "dog"]]);
	});

	test("thresholds can be changed", async () => {
		let text = "";
		text += await printed(async () => {
			issues = await findIssues(folder, { thresholds: { oddAspectRatio: 0.2, exactDuplicates: 0 } });
		});
		assert.deepEqual([flagged("oddAspectRatio"), flagged("exactDuplicates"), text.length > 0], [[], [], true]);
	});
});

describe("mirrored and turned copies", () => {
	/** The reflections and rotations, as re-encoded and resized copies. */
	const transforms: Record<string, { kind: string; change: (image: Sharp) => Sharp }> = {
		"left-right": { kind: "mirrored", change: (image) => image.flop().jpeg({ quality: 75 }) },
		"up-down": { kind: "mirrored", change: (image) => image.flip().png() },
		transposed: { kind: "mirrored", change: (image) => image.rotate(90).flop().resize({ width: 90 }).png() },
		"anti-transposed": { kind: "mirrored", change: (image) => image.rotate(90).flip().jpeg({ quality: 85 }) },
		"by 90°": { kind: "turned", change: (image) => image.rotate(90).jpeg({ quality: 75 }) },
		"by 180°": { kind: "turned", change: (image) => image.rotate(180).resize({ width: 150 }).jpeg({ quality: 60 }) },
		"by 270°": { kind: "turned", change: (image) => image.rotate(270).png() },
	};
	const put = async (folder: string, name: string, image: Sharp) => {
		mkdirSync(dirname(join(folder, name)), { recursive: true });
		await image.toFile(join(folder, name));
	};

	for (const [name, { kind, change }] of Object.entries(transforms)) {
		test(`a copy ${name} in another split is leakage, and unrelated images are not`, async () => {
			const folder = temporaryFolder();
			await put(folder, "train/cat/original.jpg", sharp(join(odd, "plain.jpg")));
			await put(folder, "train/cat/other.jpg", sharp(join(odd, "other.jpg")));
			await put(folder, "test/cat/copy.png", change(sharp(join(odd, "plain.jpg"))));
			await put(folder, "test/cat/third.jpg", sharp(join(odd, "third.jpg")));
			const issues = await findIssues(folder, { onProgress: null });
			const paths = ["test/cat/copy.png", "train/cat/original.jpg"];
			assert.deepEqual(issues.duplicates, [{ paths, kind, splits: ["test", "train"], classes: ["cat"] }]);
			assert.deepEqual(
				rowsOf(issues)
					.filter((row) => row[flag("leakage")])
					.map((row) => row.path),
				["train/cat/original.jpg", "test/cat/copy.png"],
			);
		});
	}

	test("within a split they are augmentation, and no duplicates", async () => {
		const folder = temporaryFolder();
		await put(folder, "train/cat/original.jpg", sharp(join(odd, "plain.jpg")));
		await put(folder, "train/cat/copy.jpg", sharp(join(odd, "plain.jpg")).flop());
		await put(folder, "test/cat/other.jpg", sharp(join(odd, "other.jpg")));
		assert.deepEqual((await findIssues(folder, { onProgress: null })).duplicates, []);
	});

	test("one set joins an image with its copies in all splits; without the check they are not looked for", async () => {
		const folder = temporaryFolder();
		await put(folder, "train/cat/original.jpg", sharp(join(odd, "plain.jpg")));
		await put(folder, "train/cat/resized.png", sharp(join(odd, "plain.jpg")).resize({ width: 90 }));
		await put(folder, "valid/cat/turned.jpg", sharp(join(odd, "plain.jpg")).rotate(90));
		await put(folder, "test/dog/turned.jpg", sharp(join(odd, "plain.jpg")).rotate(270));
		const [set, ...more] = (await findIssues(folder, { onProgress: null })).duplicates;
		assert.deepEqual([set.paths.length, set.kind, set.splits.length, more.length], [4, "turned", 3, 0]);
		const thresholds = { leakage: 0 };
		const [near] = (await findIssues(folder, { onProgress: null, thresholds })).duplicates;
		assert.deepEqual([near.paths.length, near.kind], [2, "near"]);
	});
});

test("the signs of a mirrored or turned thumbnail are those of the original, transposed and flipped", () => {
	const [width, height] = [48, 33];
	const random = Array.from({ length: width * height }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 8) & 255);
	const at = (x: number, y: number) => random[y * width + x];
	const made = (across: number, down: number, pixel: (x: number, y: number) => number) =>
		perceptualHash(
			Uint8Array.from({ length: across * down }, (_, i) => pixel(i % across, Math.floor(i / across))),
			across,
			down,
		).signs;
	const original = made(width, height, at);
	const [right, bottom] = [width - 1, height - 1];
	// In the order of `SYMMETRIES`: pixels in another place are an oracle for bits in another place.
	const expected = [
		made(width, height, (x, y) => at(right - x, y)),
		made(width, height, (x, y) => at(x, bottom - y)),
		made(width, height, (x, y) => at(right - x, bottom - y)),
		made(height, width, (x, y) => at(y, x)),
		made(height, width, (x, y) => at(y, bottom - x)),
		made(height, width, (x, y) => at(right - y, x)),
		made(height, width, (x, y) => at(right - y, bottom - x)),
	];
	SYMMETRIES.forEach((symmetry, i) => {
		const from = symmetry.transposed ? transposed(original) : original;
		assert.deepEqual(
			from.map((word, k) => word ^ symmetry.mask[k]),
			expected[i],
			`symmetry ${i}`,
		);
	});
});

test("measures images of all formats", async () => {
	const files = (readdirSync(imageFolder, { recursive: true }) as string[]).filter((name) =>
		/\.[a-z]{3,4}$/i.test(name),
	);
	const found: string[] = [];
	for await (const { path, width, height } of imageProperties(files.map((name) => join(imageFolder, name)))) {
		found.push(`${basename(path)} ${width}×${height}`);
	}
	assert.deepEqual(found.sort(), [
		"alpha.png 20×30",
		"bitmap.bmp 24×24",
		"frames.gif 26×18",
		"grey.PNG 30×20",
		"grey.jpeg 33×33",
		"plain.jpg 40×30",
		"progressive.jpg 31×47",
		"turned.jpg 40×24",
	]);
});

test("counts images with an EXIF orientation", async () => {
	const folder = temporaryFolder();
	const pixels = sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } });
	await pixels.clone().jpeg().toFile(join(folder, "upright.jpg"));
	await pixels.clone().jpeg().withMetadata({ orientation: 1 }).toFile(join(folder, "one.jpg"));
	await pixels.clone().jpeg().withMetadata({ orientation: 6 }).toFile(join(folder, "six.jpg"));
	await pixels.clone().png().withMetadata({ orientation: 3 }).toFile(join(folder, "three.png"));
	const issues = await findIssues(folder, { onProgress: null });
	const turned = rowsOf(issues).filter((row) => row.isOrientationIssue);
	assert.deepEqual(
		turned.map(({ path }) => path),
		["six.jpg", "three.png"],
	);
	const [, count] = (issues.summary.values as unknown[][]).find(([check]) => check === "orientation") ?? [];
	assert.equal(count, 2);
});

test("messages name a missing folder, and one without images", async () => {
	await assert.rejects(findIssues("/no/such/folder"), /cannot look for issues in \/no\/such\/folder: there is no such/);
	await assert.rejects(findIssues(temporaryFolder(), { onProgress: null }), /has no images: expected \.avif/);
});

test("closePairs finds the pairs of an exhaustive comparison", () => {
	const words = 4;
	let state = 1;
	const random = () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state;
	};
	// Random hashes, and copies with up to twelve flipped bits.
	const hashes: number[][] = Array.from({ length: 200 }, () => Array.from({ length: words }, random));
	for (let i = 0; i < 800; i++) {
		const copy = [...hashes[(random() >>> 8) % 200]];
		for (let bit = 0; bit < i % 13; bit++) copy[(random() >>> 8) % words] ^= 1 << ((random() >>> 8) % 32);
		hashes.push(copy);
	}
	const bits = (a: number[], b: number[]) =>
		a.map((word, i) => ((word ^ b[i]) >>> 0).toString(2).replaceAll("0", "").length).reduce((x, y) => x + y, 0);
	for (const maxDistance of [0, 2, 5, 8]) {
		const expected = new Set<string>();
		for (let a = 0; a < hashes.length; a++) {
			for (let b = 0; b < a; b++) {
				const distance = bits(hashes[a].slice(0, 2), hashes[b].slice(0, 2));
				const restIsClose = bits(hashes[a].slice(2), hashes[b].slice(2)) <= 16;
				if (distance <= maxDistance && restIsClose) expected.add(`${b} ${a} ${distance}`);
			}
		}
		const found = new Set<string>();
		const limits = { first: maxDistance, others: 16 };
		closePairs(Uint32Array.from(hashes.flat()), words, limits, (a, b, distance) => {
			found.add(`${Math.min(a, b)} ${Math.max(a, b)} ${distance}`);
		});
		assert.deepEqual([...found].sort(), [...expected].sort());
		assert.ok(found.size > 10);
	}
});
