// `npm run predict -- --monitor FOLDER`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import sharp from "sharp";
import { cnn } from "../../src/cnn/cnn";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { saveModel } from "../../src/pipeline/saved-model";
import { randomIntegers, root, temporaryFolder } from "../helpers";

const [dataset, artifacts] = [temporaryFolder(), temporaryFolder()];
const random = randomIntegers(5);

/** Writes images of noise around a brightness that differs a little from image to image. */
async function write(folder: string, images: number, brightness: number): Promise<string> {
	mkdirSync(folder, { recursive: true });
	for (let i = 0; i < images; i++) {
		const center = brightness + random(41) - 20;
		const pixels = Uint8Array.from({ length: 12 * 12 * 3 }, () => center + random(31) - 15);
		await sharp(pixels, { raw: { width: 12, height: 12, channels: 3 } })
			.png()
			.toFile(join(folder, `${i}.png`));
	}
	return folder;
}

function monitor(folder: string) {
	const args = ["predict", "--monitor", folder, "--artifacts", artifacts];
	const { status, stdout, stderr } = spawnSync("node", [join(root, "tools", "cli.mjs"), ...args], {
		...{ cwd: root, encoding: "utf8", timeout: 120_000 },
		env: { ...process.env, TF_ENABLE_ONEDNN_OPTS: "0" },
	});
	return { status, stdout, stderr };
}

describe("npm run predict -- --monitor", () => {
	before(async () => {
		for (const split of ["train", "valid"])
			for (const name of ["cats", "dogs"]) await write(join(dataset, split, name), 20, 128);
		await saveModel(cnn({ inputShape: [12, 12, 3], filters: [4], denseUnits: 4, seed: 1 }), artifacts, {
			...{ dataset, classNames: ["cats", "dogs"], parameters: DEFAULT_PARAMETERS },
			history: { loss: [], acc: [], valLoss: [], valAcc: [], epochsRun: 0, seconds: 0 },
		});
	});

	test("finds nothing in images like those before", async () => {
		const { status, stdout, stderr } = monitor(await write(temporaryFolder(), 40, 128));
		assert.equal(status, 0, stderr);
		assert.match(stdout, /^40 images compared with 40 validation images, .*: nothing has changed beyond chance\.$/m);
		const [, strangers] =
			/^(\d+) of 40 images are not like the training images; of usual ones 5\.0 % /m.exec(stdout) ?? [];
		assert.ok(Number(strangers) <= 8, stdout);
	});

	test("says in words what has changed, names images, and ends with 2; corrupt files are counted", async () => {
		const folder = await write(temporaryFolder(), 40, 60);
		writeFileSync(join(folder, "broken.png"), "no image");
		const { status, stdout, stderr } = monitor(folder);
		assert.equal(status, 2, stderr);
		assert.match(stdout, /^- darker: brightness 0\.\d+ instead of 0\.\d+, medians \(p = .*\)$/m);
		assert.equal(stdout.match(/^ {2}.*\.png {2}\d\.\d{3}$/gm)?.length, 5);
		assert.match(stdout, /^\d+ of 40 images (is|are) not like the training images/m);
		assert.match(stderr, /^1 of 41 files cannot be read$/m);
	});

	test("takes three images, one, and images of another size", async () => {
		const few = monitor(await write(temporaryFolder(), 3, 128));
		assert.equal(few.status, 0, few.stderr);
		const one = monitor(await write(temporaryFolder(), 1, 128));
		assert.equal(one.status, 0, one.stderr);
		assert.match(one.stdout, /^[01] of 1 image (is|are) not like the training images/m);
		const folder = temporaryFolder();
		for (let i = 0; i < 20; i++)
			await sharp({ create: { width: 40, height: 30, channels: 3, background: { r: 120 + i, g: 120, b: 120 } } })
				.png()
				.toFile(join(folder, `${i}.png`));
		const { status, stdout } = monitor(folder);
		assert.equal(status, 2);
		assert.match(stdout, /^- larger: size 34\.6 instead of 12/m);
		assert.match(stdout, /^- less like the training images: /m);
		assert.match(stdout, /^20 of 20 images are not like the training images/m);
	});

	test("says in one line what is wrong", () => {
		const line = (folder: string) => monitor(folder).stderr.trim();
		assert.match(line(join(root, "nowhere")), /there is no folder .*nowhere$/);
		assert.match(line(temporaryFolder()), /has no images$/);
		const broken = temporaryFolder();
		writeFileSync(join(broken, "a.png"), "no image");
		assert.match(line(broken), /none of 1 file can be read$/);
		rmSync(dataset, { recursive: true });
		assert.match(line(broken), /are not in .* any more: npm start trains again$/);
	});
});
