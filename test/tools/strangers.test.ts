// `npm run predict -- FILE… --strangers 0.05`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import sharp from "sharp";
import { cnn } from "../../src/cnn/cnn";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { saveModel } from "../../src/pipeline/saved-model";
import { randomIntegers, root, temporaryFolder } from "../helpers";

const [dataset, artifacts] = [temporaryFolder(), temporaryFolder()];
const random = randomIntegers(6);

/** Writes grey images of noise. */
async function writeUsual(folder: string, images: number, size = 24): Promise<string> {
	mkdirSync(folder, { recursive: true });
	for (let i = 0; i < images; i++) {
		const pixels = Uint8Array.from({ length: size * size }, () => 100 + random(60));
		await sharp(pixels, { raw: { width: size, height: size, channels: 1 } })
			.png()
			.toFile(join(folder, `${i}.png`));
	}
	return folder;
}

/** Writes an image of one bright colour. */
async function writeStrange(path: string, size = 24): Promise<string> {
	mkdirSync(dirname(path), { recursive: true });
	const background = { r: 250, g: 40, b: 10 };
	await sharp({ create: { width: size, height: size, channels: 3, background } })
		.png()
		.toFile(path);
	return path;
}

function predict(...args: string[]) {
	const all = ["predict", "--artifacts", artifacts, "--strangers", "0.05", ...args];
	return spawnSync("node", [join(root, "tools", "cli.mjs"), ...all], {
		...{ cwd: root, encoding: "utf8", timeout: 120_000 },
		env: { ...process.env, INIT_CWD: dataset, TF_ENABLE_ONEDNN_OPTS: "0" },
	});
}

describe("npm run predict -- --strangers", () => {
	before(async () => {
		for (const name of ["a", "b"]) {
			await writeUsual(join(dataset, "train", name), 15);
			await writeUsual(join(dataset, "valid", name), 20);
		}
		await saveModel(cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, seed: 1 }), artifacts, {
			...{ dataset, classNames: ["a", "b"], parameters: DEFAULT_PARAMETERS },
			history: { loss: [], acc: [], valLoss: [], valAcc: [], epochsRun: 0, seconds: 0 },
		});
	});

	test("marks strangers, of any size, and names the nearest training images; corrupt files are reported", async () => {
		const folder = await writeUsual(temporaryFolder(), 10);
		await writeStrange(join(folder, "strange.png"));
		await writeStrange(join(folder, "wide.png"), 90);
		writeFileSync(join(folder, "broken.png"), "no image");
		const { status, stdout, stderr } = predict(folder, "--format", "json");
		assert.equal(status, 0, stderr);
		type Row = { path: string; stranger: boolean | null; distance: number | null; nearest: string[] };
		const rows = JSON.parse(stdout) as Row[];
		const strangers = rows.filter(({ stranger }) => stranger);
		assert.ok(["strange.png", "wide.png"].every((name) => strangers.some(({ path }) => path.endsWith(name))));
		assert.ok(strangers.length <= 5, "usual images are no strangers, but for a few");
		assert.match(stderr, new RegExp(`^${strangers.length} of 12 images are not like .*; of usual ones 5\\.0 % `, "m"));
		assert.match(stderr, /^1 of 13 files cannot be read$/m);
		for (const { path, stranger, distance, nearest } of rows) {
			const isBroken = path.endsWith("broken.png");
			assert.equal(stranger === null && distance === null, isBroken);
			assert.equal(nearest.length, isBroken ? 0 : 3);
			assert.ok(nearest.every((known) => /^train\/[ab]\/\d+\.png$/.test(known)));
		}
	});

	test("of one image as a table and as CSV; a training image is no stranger, and nearest to itself", async () => {
		const path = await writeStrange(join(temporaryFolder(), "strange.png"));
		const { stdout, stderr } = predict(path);
		const nearest = "train/[ab]/\\d+\\.png";
		assert.match(stdout, new RegExp(` %  not like the training images, nearest ${nearest}, ${nearest}, ${nearest}\n$`));
		assert.match(stderr, /^1 of 1 image is not like the training images/);
		const [header, row] = predict("train/a/3.png", "--format", "csv").stdout.split("\n");
		assert.equal(header, "path,label,probability,a,b,error,stranger,distance,nearest");
		assert.match(row, /,false,[\d.e-]+,"\[""train\/a\/3\.png"",/);
	});

	test("with too few validation images, of files that cannot be read, and what it refuses", async () => {
		const strange = await writeStrange(join(temporaryFolder(), "strange.png"));
		const few = predict(strange, "--strangers", "0.01");
		assert.equal(
			few.stderr,
			`40 validation images are too few for a false-alarm rate of 0.01: no image is said to be unlike the training images\n`,
		);
		assert.doesNotMatch(few.stdout, /not like/);
		const broken = join(temporaryFolder(), "broken.png");
		writeFileSync(broken, "no image");
		const unreadable = predict(broken);
		assert.deepEqual([unreadable.status, unreadable.stderr], [1, "1 of 1 files cannot be read\n"]);
		const line = (...args: string[]) => predict(...args).stderr;
		assert.match(line(temporaryFolder()), /^\S+ has no images\n$/);
		assert.match(
			line(strange, "--strangers", "0"),
			/^--strangers 0: expected a rate above 0 and below 1, for example 0\.05\n$/,
		);
		assert.match(line(strange, "--strangers", "5"), /^--strangers 5: expected a probability/);
		for (const name of readdirSync(dataset)) rmSync(join(dataset, name), { recursive: true });
		assert.match(
			line(strange),
			/^the images that the model was trained with are not in .* any more: npm start trains again\n$/,
		);
	});
});
