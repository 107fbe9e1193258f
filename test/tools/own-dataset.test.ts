// `--dataset` with images that are not split.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { cleanTheData } from "../../src/cleaning";
import { SPLITS } from "../../src/images/folders";
import { splitDataset } from "../../tools/data/own";
import { printed, temporaryFolder } from "../helpers";

/** Makes two classes of different images: two of each source, and in the first class two copies. */
async function classFolders(): Promise<string> {
	const folder = join(temporaryFolder(), "photos");
	for (const [label, name] of ["cats", "dogs"].entries()) {
		mkdirSync(join(folder, name), { recursive: true });
		for (let i = 0; i < 24; i++) {
			const background = { r: 10 * i, g: 100 * label, b: 0 };
			const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
			await image.png().toFile(join(folder, name, `scene_${i >> 1}_${i & 1}.png`));
		}
	}
	cpSync(join(folder, "cats", "scene_3_0.png"), join(folder, "cats", "copy.png"));
	return folder;
}
const below = (folder: string) => readdirSync(folder, { encoding: "utf8", recursive: true }).sort();
const split = async (folder: string, home: string, seed = 1) => {
	let into = "";
	const lines = await printed(async () => {
		into = await splitDataset(folder, seed, home);
	});
	return { into, lines };
};

describe("a folder of class folders", () => {
	test("is split, as links, and images of one source stay together", async () => {
		const [photos, home] = [await classFolders(), temporaryFolder()];
		const before = below(photos);
		const { into, lines } = await split(photos, home);
		assert.match(lines, /photos is split 70 : 15 : 15 into \S+photos, as links \(seed 1\)/);
		const places = new Map<string, string>();
		for (const part of SPLITS) {
			for (const name of ["cats", "dogs"]) {
				for (const file of readdirSync(join(into, part, name))) {
					assert.equal(statSync(join(into, part, name, file)).ino, statSync(join(photos, name, file)).ino);
					places.set(`${name}/${file}`, part);
				}
			}
		}
		assert.equal(places.size, 49);
		for (const name of ["cats", "dogs"]) {
			for (let i = 0; i < 12; i++)
				assert.equal(places.get(`${name}/scene_${i}_0.png`), places.get(`${name}/scene_${i}_1.png`), `${name} ${i}`);
		}
		assert.equal(places.get("cats/copy.png"), places.get("cats/scene_3_0.png"));
		assert.deepEqual(new Set(places.values()), new Set(SPLITS));
		assert.deepEqual(below(photos), before);
	});

	test("keeps its files when cleaning moves what cannot be decoded", async () => {
		const [photos, home] = [await classFolders(), temporaryFolder()];
		const broken = readFileSync(join(photos, "dogs", "scene_0_0.png")).subarray(0, 60);
		writeFileSync(join(photos, "dogs", "broken.png"), broken);
		const { into } = await split(photos, home);
		await printed(async () => {
			for (const part of SPLITS) await cleanTheData(join(into, part));
		});
		assert.ok(below(into).some((path) => path.startsWith("quarantine") && basename(path) === "broken.png"));
		assert.ok(!below(into).some((path) => /^(train|valid|test).*broken/.test(path)));
		assert.deepEqual(readFileSync(join(photos, "dogs", "broken.png")), broken);
	});

	test("is split again only when its images or the seed have changed; the earlier split is kept", async () => {
		const [photos, home] = [await classFolders(), temporaryFolder()];
		const { into } = await split(photos, home);
		const made = statSync(join(into, "train")).ino;
		await split(photos, home);
		assert.equal(statSync(join(into, "train")).ino, made);
		assert.ok(!readdirSync(into).some((name) => name.startsWith("previous-")));
		rmSync(join(photos, "cats", "copy.png"));
		await split(photos, home);
		const previous = readdirSync(into).filter((name) => name.startsWith("previous-"));
		assert.equal(previous.length, 1);
		assert.ok(below(join(into, previous[0])).some((path) => path.endsWith("copy.png")));
		assert.ok(!below(into).some((path) => /^(train|valid|test).*copy\.png$/.test(path)));
	});
});

test("split folders stay where they are; a missing valid folder is taken from train", async () => {
	const [photos, home] = [await classFolders(), temporaryFolder()];
	const { into } = await split(photos, home);
	assert.equal((await split(into, temporaryFolder())).into, into);
	rmSync(join(into, "valid"), { recursive: true });
	const again = await split(into, temporaryFolder());
	assert.notEqual(again.into, into);
	assert.match(again.lines, /there is no valid folder: its images are taken from train/);
	for (const part of SPLITS) assert.deepEqual(readdirSync(join(again.into, part)).sort(), ["cats", "dogs"]);
});
