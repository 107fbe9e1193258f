import assert from "node:assert/strict";
import { test } from "node:test";
import { type DiagnosedCurves, type DiagnoseOptions, diagnose, FIT, GAP } from "../../src/training/diagnose";

const balanced: DiagnoseOptions = { trainingImages: 400, validationImages: 400, majority: 0.5 };

// Curves of real runs of the pipeline's network, rounded.
const recorded: Record<string, DiagnosedCurves> = {
	memorised: {
		loss: [0.62, 0.41, 0.22, 0.08, 0.02],
		acc: [0.66, 0.82, 0.92, 0.985, 1],
		valLoss: [0.63, 0.55, 0.52, 0.71, 1.04],
		valAcc: [0.63, 0.72, 0.755, 0.74, 0.735],
	},
	unfinished: {
		loss: [0.66, 0.55, 0.43, 0.36, 0.31],
		acc: [0.6, 0.72, 0.8, 0.84, 0.87],
		valLoss: [0.66, 0.57, 0.47, 0.4, 0.36],
		valAcc: [0.61, 0.7, 0.79, 0.83, 0.85],
	},
	saturated: {
		loss: [0.2, 0.05, 0.03, 0.02, 0.02],
		acc: [0.93, 0.985, 0.99, 0.995, 0.995],
		valLoss: [0.19, 0.06, 0.04, 0.05, 0.06],
		valAcc: [0.94, 0.98, 0.985, 0.985, 0.98],
	},
	chance: {
		loss: [0.71, 0.695, 0.694, 0.692],
		acc: [0.5, 0.51, 0.5, 0.52],
		valLoss: [0.7, 0.692, 0.695, 0.694],
		valAcc: [0.5, 0.5, 0.51, 0.5],
	},
	underfitted: {
		loss: [0.65, 0.62, 0.61, 0.605, 0.6],
		acc: [0.6, 0.66, 0.67, 0.67, 0.68],
		valLoss: [0.66, 0.62, 0.615, 0.62, 0.625],
		valAcc: [0.6, 0.65, 0.67, 0.66, 0.66],
	},
	unstable: {
		loss: [0.3, 0.42, 0.55],
		acc: [0.88, 0.83, 0.78],
		valLoss: [0.31, 0.44, 0.58],
		valAcc: [0.87, 0.82, 0.77],
	},
	// The last epochs are bad ones; the best was good.
	"unstable at the end": {
		loss: [0.31, 0.3, 0.287, 0.5, 0.459],
		acc: [0.855, 0.898, 0.905, 0.81, 0.823],
		valLoss: [0.3, 0.27, 0.25, 0.52, 0.468],
		valAcc: [0.88, 0.9, 0.91, 0.788, 0.808],
	},
};

test("recorded runs have the states that an expert reads from their curves", () => {
	const states = Object.fromEntries(
		Object.entries(recorded).map(([name, curves]) => [name, diagnose(curves, balanced).state]),
	);
	assert.deepEqual(states, {
		memorised: "overfitting",
		unfinished: "improving",
		saturated: "steady",
		chance: "nothing learned",
		underfitted: "underfitting",
		unstable: "steady",
		"unstable at the end": "steady",
	});
});

test("what follows the best epoch is overfitting when training loss fell, unstable when it rose", () => {
	const after = (name: string) => diagnose(recorded[name], balanced).afterBest;
	assert.deepEqual(["memorised", "unfinished", "unstable"].map(after), ["overfitting", "nothing", "unstable"]);
	assert.deepEqual(
		[diagnose(recorded.unstable, balanced).bestEpoch, diagnose(recorded.memorised, balanced).bestEpoch],
		[0, 2],
	);
	const perfect = { loss: [0.1, 1e-7, 1e-9], acc: [1, 1, 1], valLoss: [0.1, 0, 0], valAcc: [1, 1, 1] };
	assert.deepEqual([diagnose(perfect, balanced).state, diagnose(perfect, balanced).afterBest], ["steady", "nothing"]);
	assert.equal(diagnose(recorded.saturated, balanced).withinNoise, true);
	assert.equal(diagnose(recorded.unstable, balanced).withinNoise, false);
});

test("the same gap counts with many validation images and not with few", () => {
	const curves = {
		loss: [0.3, 0.2, 0.15],
		acc: [0.9, 0.92, 0.94],
		valLoss: [0.4, 0.3, 0.32],
		valAcc: [0.82, 0.83, 0.84],
	};
	const stateWith = (images: number) =>
		diagnose(curves, { trainingImages: images, validationImages: images, majority: 0.5 });
	assert.equal(stateWith(400).state, "overfitting");
	assert.ok(stateWith(400).gap.low > 0 && stateWith(24).gap.low < 0);
	assert.equal(stateWith(24).state, "steady");
});

test("memorised training images with validation at chance are overfitting, not nothing learned", () => {
	const curves = { loss: [0.5, 0.1], acc: [0.8, 1], valLoss: [0.7, 1.5], valAcc: [0.5, 0.49] };
	assert.equal(diagnose(curves, balanced).state, "overfitting");
	assert.equal(diagnose({ ...curves, valLoss: [1.5, 0.7] }, balanced).state, "overfitting");
});

test("learned overrides the comparison with the majority class", () => {
	const curves = { loss: [0.5, 0.4], acc: [0.7, 0.71], valLoss: [0.5, 0.45], valAcc: [0.7, 0.71] };
	const options = { ...balanced, majority: 0.7 };
	assert.equal(diagnose(curves, options).state, "nothing learned");
	assert.equal(diagnose(curves, { ...options, learned: true }).state, "improving");
});

test("states depend on the thresholds as documented", () => {
	const gapOf = (gap: number) => {
		const curves = { loss: [0.2, 0.1], acc: [0.9, 0.9], valLoss: [0.2, 0.3], valAcc: [0.9, 0.9 - gap] };
		return diagnose(curves, { trainingImages: 1e6, validationImages: 1e6, majority: 0.5 }).state;
	};
	assert.deepEqual([gapOf(GAP - 0.001), gapOf(GAP + 0.001)], ["steady", "overfitting"]);
	const fitOf = (accuracy: number) => {
		const curves = { loss: [0.2, 0.1], acc: [accuracy, accuracy], valLoss: [0.2, 0.3], valAcc: [accuracy, accuracy] };
		return diagnose(curves, { trainingImages: 1e6, validationImages: 1e6, majority: 0.7 }).state;
	};
	assert.equal(diagnose(recorded["unstable at the end"], { ...balanced, majority: 0.7 }).state, "steady");
	assert.deepEqual([fitOf(0.7 + FIT * 0.3 - 0.001), fitOf(0.7 + FIT * 0.3 + 0.001)], ["underfitting", "steady"]);
});

test("an interrupted run is diagnosed up to its last complete epoch", () => {
	const { loss, acc, ...validation } = recorded.unfinished;
	assert.equal(diagnose({ ...validation, loss: loss.slice(0, 4), acc: acc.slice(0, 4) }, balanced).bestEpoch, 3);
	assert.throws(() => diagnose({ loss: [], acc: [], valLoss: [], valAcc: [] }, balanced), /no complete epoch/);
	assert.throws(() => diagnose(recorded.chance, { ...balanced, validationImages: 0 }), /validationImages 0: expected/);
});
