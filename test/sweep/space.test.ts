import assert from "node:assert/strict";
import { test } from "node:test";
import { choice, grid, integer, logUniform, type Space, trialsOf, uniform } from "../../src/sweep/space";

const space: Space = {
	learningRate: logUniform(1e-5, 1e-1),
	dropout: uniform(0.1, 0.5, 0.1),
	noise: uniform(-1, 1),
	units: integer(32, 256, { step: 32 }),
	filters: integer(1, 100, { log: true }),
	batchSize: choice(16, 32, 64),
	augment: choice(true, false),
	epochs: 3,
};

test("trials are reproducible by seed, and a new hyperparameter leaves the values of the others unchanged", () => {
	const trials = trialsOf(space, { samples: 20, seed: 1 });
	assert.deepEqual(trialsOf(space, { samples: 20, seed: 1 }), trials);
	assert.notDeepEqual(trialsOf(space, { samples: 20, seed: 2 }), trials);
	assert.deepEqual(trialsOf(space, { samples: 5, seed: 1 }), trials.slice(0, 5));
	const more = trialsOf({ patience: integer(1, 9), ...space }, { samples: 20, seed: 1 });
	assert.deepEqual(
		more.map(({ patience, ...others }) => others),
		trials,
	);
});

test("values lie in their range and follow their distribution", () => {
	const trials = trialsOf(space, { samples: 4000 });
	const of = (name: string) => trials.map((trial) => trial[name] as number);
	const fraction = (name: string, holds: (value: number) => boolean) => of(name).filter(holds).length / trials.length;
	const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 0.03, `${actual}`);
	assert.ok(of("learningRate").every((value) => value >= 1e-5 && value <= 1e-1));
	near(
		fraction("learningRate", (value) => value < 1e-3),
		0.5,
	);
	near(
		fraction("noise", (value) => value < -0.5),
		0.25,
	);
	assert.deepEqual([...new Set(of("dropout"))].sort(), [0.1, 0.2, 0.3, 0.4, 0.5]);
	near(
		fraction("dropout", (value) => value === 0.5),
		0.2,
	);
	assert.deepEqual(
		[...new Set(of("units"))].sort((a, b) => a - b),
		[32, 64, 96, 128, 160, 192, 224, 256],
	);
	near(
		fraction("units", (value) => value === 256),
		1 / 8,
	);
	// The integers 1 to 10 cover 0.5 to 10.5 of the logarithmic range 0.5 to 100.5.
	near(
		fraction("filters", (value) => value <= 10),
		Math.log(10.5 / 0.5) / Math.log(100.5 / 0.5),
	);
	assert.ok(of("filters").every((value) => Number.isInteger(value) && value >= 1 && value <= 100));
	near(
		fraction("batchSize", (value) => value === 64),
		1 / 3,
	);
	assert.ok(of("epochs").every((value) => value === 3));
});

test("grids are combined, and the rest is sampled for each combination", () => {
	const grids = { a: grid(1, 2, 3), b: grid("x", "y"), c: uniform(0, 1), d: false };
	const trials = trialsOf(grids, { samples: 2 });
	assert.deepEqual(
		trials.map(({ a, b }) => `${a}${b}`),
		["1x", "1x", "1y", "1y", "2x", "2x", "2y", "2y", "3x", "3x", "3y", "3y"],
	);
	assert.equal(new Set(trials.map(({ c }) => c)).size, 12);
	assert.ok(trials.every(({ d }) => d === false));
});

test("an invalid distribution is an error that names the hyperparameter", () => {
	const refuses = (distribution: unknown, message: RegExp) =>
		assert.throws(() => trialsOf({ x: distribution } as Space), message);
	refuses({ type: "choice", choices: [] }, /x in the space: choices is empty: expected a list/);
	refuses(grid(), /x in the space: values is empty/);
	refuses(uniform(2, 1), /expected numbers low ≤ high, not 2 and 1/);
	refuses({ type: "int", low: 1.5, high: 3 }, /whole numbers/);
	refuses(logUniform(0, 1), /low is 0: expected a number above 0 in a logarithmic range/);
	refuses(uniform(0, 1, 0), /step is 0/);
	refuses({ type: "normal" }, /its type is "normal": expected "uniform", "loguniform", "int", "choice" or "grid"/);
	refuses(null, /its type is undefined/);
});
