import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { command, temporaryFolder } from "../helpers";
import { crossCheck } from "./cross-check";

/** Test images per class: names that objects would reorder, that averages have, and that objects inherit. */
const CLASSES = { "007": 4, "10": 1, "2": 6, ["__proto__"]: 1, accuracy: 4, constructor: 2 };

/** Writes images of noise, in a colour that differs between the classes, as `folder/<class>/<number>.png`. */
async function writeImages(folder: string, name: string, count: number): Promise<void> {
	mkdirSync(join(folder, name), { recursive: true });
	const shade = 40 * Object.keys(CLASSES).indexOf(name);
	for (let i = 0; i < count; i++) {
		const pixels = Uint8Array.from({ length: 48 * 48 * 3 }, (_, k) => (shade + ((k * (i + 3)) % 97)) % 256);
		const raw = { width: 48, height: 48, channels: 3 } as const;
		await sharp(pixels, { raw })
			.png()
			.toFile(join(folder, name, `${i}.png`));
	}
}

test("figures agree and classes keep their order, whatever the classes are named", async (t) => {
	const work = temporaryFolder();
	const [dataset, artifacts, reports] = ["dataset", "artifacts", "reports"].map((name) => join(work, name));
	for (const [name, count] of Object.entries(CLASSES)) {
		await writeImages(join(dataset, "train"), name, 4);
		await writeImages(join(dataset, "valid"), name, 2);
		await writeImages(join(dataset, "test"), name, count);
	}
	const places = ["--dataset", dataset, "--artifacts", artifacts, "--reports", reports];
	// A high learning rate makes confident mistakes, and classes that are never predicted.
	const args = ["report", "05", ...places, "--epochs", "1", "--image-size", "48", "--learning-rate", "0.01"];
	const { code, out } = command(...args);
	assert.equal(code, 0, out);
	const { compared, disagreements } = crossCheck(reports, artifacts);
	t.diagnostic(`${compared} comparisons`);
	assert.deepEqual(disagreements, []);
	const run = JSON.parse(readFileSync(join(reports, "metrics.json"), "utf8"));
	assert.deepEqual(run.classNames, Object.keys(CLASSES).sort());
	assert.equal(run.counts.test, 18);
	assert.ok(run.test.loss > -Math.log(Number.EPSILON) / 10, `${run.test.loss} is no loss of confident mistakes`);
});
