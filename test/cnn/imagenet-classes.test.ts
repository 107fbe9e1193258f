import assert from "node:assert/strict";
import { test } from "node:test";
import { IMAGENET_CLASSES } from "../../src/cnn/imagenet-classes";

test("ILSVRC2012 has 1,000 classes with names of their own, whatever their case", () => {
	assert.equal(IMAGENET_CLASSES.length, 1000);
	assert.equal(new Set(IMAGENET_CLASSES.map((name) => name.toLowerCase())).size, 1000);
	for (const name of IMAGENET_CLASSES) {
		assert.match(name, /^[a-z][a-z' -]*( \([a-z ]+\))?$/i);
	}
});

test("classes stand at the outputs that networks have for them", () => {
	const known: [number, string][] = [
		[0, "tench"],
		[1, "goldfish"],
		[134, "crane (bird)"],
		[151, "Chihuahua"],
		[207, "golden retriever"],
		[281, "tabby"],
		[388, "giant panda"],
		[440, "beer bottle"],
		[517, "crane (machine)"],
		[898, "water bottle"],
		[954, "banana"],
		[999, "toilet tissue"],
	];
	for (const [index, name] of known) {
		assert.equal(IMAGENET_CLASSES[index], name);
	}
});
