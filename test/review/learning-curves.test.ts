import assert from "node:assert/strict";
import { describe, test } from "node:test";
import seedrandom from "seedrandom";
import type { LabelledFile } from "../../src/datasets/types";
import { learningCurves } from "../../src/review/learning-curves";
import type { Fit } from "../../src/review/out-of-fold";

/** Points on a line, of two classes that 0 parts; half of them far away from it, where one label says all. */
const random = seedrandom("learning curve");
const place = new Map<string, number>();
const files = (count: number, name: string): LabelledFile[] =>
	Array.from({ length: count }, (_, i) => {
		const x = (random() - 0.5) * (i % 2 ? 2 : 20);
		place.set(`${name}${i}`, x);
		return { path: `${name}${i}`, label: Number(x > 0) };
	});
const [pool, validation] = [files(300, "pool"), files(400, "valid")];
const at = ({ path }: LabelledFile) => place.get(path) as number;

/** The boundary is in the middle between the nearest points of both classes. */
const fit: Fit = async (train, test) => {
	const left = Math.max(...train.filter(({ label }) => label === 0).map(at));
	const right = Math.min(...train.filter(({ label }) => label === 1).map(at));
	return test.map((file) => {
		const p = 1 / (1 + Math.exp((left + right) / 2 - at(file)));
		return [1 - p, p];
	});
};
const features = { values: Float32Array.from(pool.flatMap((file) => [at(file), 10])), images: 300, length: 2 };
/** One by one it is a bisection. */
const labels = Array.from({ length: 12 }, (_, i) => 6 + i);
const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

describe("learning curves", () => {
	test("asking for the least certain labels finds a boundary that random labels do not", async () => {
		const methods = ["random", "uncertainty", "both"] as const;
		const all = await Promise.all(
			seeds.map((seed) => learningCurves(pool, validation, fit, { methods, labels, seed, features })),
		);
		const last = (method: (typeof methods)[number]) => {
			const values = all.map((curves) => curves[method][11].accuracy);
			return values.reduce((a, b) => a + b) / values.length;
		};
		for (const { random, uncertainty, both } of all) {
			assert.deepEqual([uncertainty[0], both[0]], [random[0], random[0]]);
			for (const curve of [random, uncertainty, both])
				assert.deepEqual(
					curve.map((point) => point.labels),
					labels,
				);
		}
		assert.ok(last("uncertainty") > last("random") + 0.005, `${last("uncertainty")}, ${last("random")}`);
		assert.ok(last("uncertainty") > 0.99);
	});

	test("no label is asked for twice, each model sees as many as are said, and the first is trained once", async () => {
		const seen: Set<string>[] = [];
		const noting: Fit = (train, test, seed) => {
			seen.push(new Set(train.map(({ path }) => path)));
			assert.equal(new Set([...train, ...test].map(({ path }) => path)).size, pool.length + validation.length);
			return fit(train, test, seed);
		};
		const methods = ["random", "diversity", "both", "uncertainty"] as const;
		await learningCurves(pool, validation, noting, { methods, labels: [4, 50, 300], seed: 3, features });
		assert.deepEqual(
			seen.map(({ size }) => size),
			[4, ...methods.flatMap(() => [50, 300])],
		);
		for (const own of seen.slice(1)) assert.ok([...seen[0]].every((path) => own.has(path)));
	});

	test("numbers that do not ascend, or are more than there are, are refused", async () => {
		const curvesAt = (labels: number[]) =>
			learningCurves(pool, validation, fit, { methods: ["random"], labels, seed: 1 });
		for (const wrong of [[5, 5], [8, 4], [301], []])
			await assert.rejects(curvesAt(wrong), /labels is .*: expected ascending numbers up to the 300 images/);
		await assert.rejects(curvesAt([0]), /labels is 0/);
	});
});
