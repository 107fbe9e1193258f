import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { imageCache } from "../../src/datasets/image-cache";

test("returns cached images from memory and from disk, in any order", () => {
	const image = (i: number) => Int32Array.of(i, -i, 2 ** 31 - 1 - i);
	for (const limit of [undefined, 60, 0]) {
		const cache = imageCache(3, limit);
		const order = [4, 0, 9, 2, 7, 1];
		for (const i of order) cache.set(i, image(i));
		for (const i of order.reverse()) {
			assert.ok(cache.has(i));
			assert.deepEqual(cache.get(i), image(i));
		}
		assert.ok(!cache.has(3));
	}
});

test("all caches together use no more memory than the limit", async () => {
	setFlagsFromString("--expose_gc");
	const gc = runInNewContext("gc") as () => void;
	// Another thread frees the arrays.
	const collect = async () => {
		for (let i = 0; i < 3; i++) {
			gc();
			await setTimeout(50);
		}
	};
	await collect();
	const before = process.memoryUsage().arrayBuffers;
	const [length, limit] = [250_000, 20_000_000];
	const caches = [imageCache(length, limit), imageCache(length, limit)];
	for (let i = 0; i < 60; i++) caches[i % 2].set(i, new Int32Array(length).fill(i));
	await collect();
	const grown = process.memoryUsage().arrayBuffers - before;
	assert.ok(grown > 0.9 * limit && grown < 1.1 * limit, `${grown} bytes`);
	for (let i = 0; i < 60; i++) assert.equal(caches[i % 2].get(i)[17], i);
});
