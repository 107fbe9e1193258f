import assert from "node:assert/strict";
import { describe, test } from "node:test";
import seedrandom from "seedrandom";
import { driftOf } from "../../src/evaluation/drift";

const random = seedrandom("drift");
const draw = (images: number, shift = 0) => Array.from({ length: images }, () => random() + random() + shift);
const properties = (images: number, shift = 0) => ({
	brightness: draw(images, shift),
	sharpness: draw(images),
	size: draw(images),
	colour: draw(images),
});

describe("drift", () => {
	test("is found where one property has changed, and named first, with its medians", () => {
		const [first, ...others] = driftOf(properties(200), properties(150, 0.3));
		assert.deepEqual([first.property, first.hasDrifted], ["brightness", true]);
		assert.ok(first.now - first.before > 0.15 && first.pValue < 1e-3);
		assert.ok(others.every(({ hasDrifted }) => !hasDrifted));
	});

	test("is a false alarm as seldom as asked, however many properties are looked at", () => {
		const runs = 400;
		let alarms = 0;
		for (let run = 0; run < runs; run++)
			alarms += Number(driftOf(properties(80), properties(60)).some(({ hasDrifted }) => hasDrifted));
		assert.ok(alarms / runs < 0.08, `${alarms} of ${runs}`);
	});

	test("by Holm's procedure: of two changes both are found, also the less sure one", () => {
		const before = { a: draw(300), b: draw(300), c: draw(300) };
		const found = driftOf(before, { a: draw(300, 1), b: draw(300, 0.2), c: draw(300) });
		assert.deepEqual(
			found.map(({ property, hasDrifted }) => [property, hasDrifted]),
			[
				["a", true],
				["b", true],
				["c", false],
			],
		);
	});

	test("of all properties, of the same images, and what is missing", () => {
		assert.ok(driftOf({ a: draw(50) }, { a: draw(50, 9) }).every(({ hasDrifted }) => hasDrifted));
		const same = properties(20);
		assert.ok(driftOf(same, same).every(({ pValue, hasDrifted }) => pValue === 1 && !hasDrifted));
		assert.throws(() => driftOf({ a: [1], b: [1] }, { a: [1] }), /the new images have no b/);
		assert.throws(() => driftOf({ a: [1] }, { a: [] }), /1 and 0 values/);
		assert.throws(() => driftOf({ a: [1] }, { a: [1] }, { alpha: 0 }), /alpha is 0/);
	});
});
