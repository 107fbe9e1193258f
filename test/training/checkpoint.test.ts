import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { augmented, dataAugmentation } from "../../src/augmentation/augment";
import { cnn } from "../../src/cnn/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import type { Batch } from "../../src/datasets/types";
import { compile } from "../../src/training/compile";
import { EarlyStopping } from "../../src/training/early-stopping";
import { EvaluateAfterEpoch } from "../../src/training/evaluate-after-epoch";
import type { History } from "../../src/training/history";
import { ReduceLROnPlateau } from "../../src/training/reduce-lr-on-plateau";
import { LearningRateScheduler } from "../../src/training/schedules";
import { train } from "../../src/training/train";
import { imageFolder, temporaryFolder } from "../helpers";

type Setting = { fast?: boolean; batchNormalization?: boolean; callbacks?: () => tf.Callback[]; epochs?: number };

/** Trains with all sources of randomness and stateful callbacks; throws after `failAfter` saved epochs. */
async function run(backup: string | undefined, setting: Setting, failAfter = 0) {
	const { fast = true, batchNormalization = false, callbacks = () => [], epochs = 5 } = setting;
	const options = { imageSize: [30, 30] as [number, number], batchSize: 3, seed: 1, verbose: false };
	const data = imageDatasetFromDirectory(imageFolder, options);
	const inputShape: [number, number, number] = [30, 30, 3];
	const model = cnn({ inputShape, filters: [4, 4], denseUnits: 8, seed: 1, batchNormalization });
	compile(model, 0.003);
	const failure = new tf.CustomCallback({
		onEpochBegin: async (epoch) => {
			if (failAfter > 0 && epoch === failAfter) throw new Error("killed");
		},
	});
	const training = augmented(data, dataAugmentation(30, 1)) as tf.data.Dataset<Batch>;
	const validationData = imageDatasetFromDirectory(imageFolder, options);
	const allCallbacks = [...callbacks(), failure];
	const history = await train(model, training, {
		validationData,
		epochs,
		fast,
		callbacks: allCallbacks,
		backup,
		onProgress: null,
	});
	return { history, weights: model.getWeights().map((weight) => [...weight.dataSync()]), callbacks: allCallbacks };
}

const curves = ({ loss, acc, valLoss, valAcc, epochsRun }: History) => ({ loss, acc, valLoss, valAcc, epochsRun });

const settings: Record<string, Setting> = {
	"as a graph": {},
	"run eagerly": { fast: false },
	"with batch normalization": { batchNormalization: true },
	"with LearningRateScheduler": { callbacks: () => [new LearningRateScheduler((epoch) => 0.003 / (epoch + 1))] },
	"with ReduceLROnPlateau": {
		callbacks: () => [new ReduceLROnPlateau({ patience: 1, minDelta: 1 })],
	},
	"with EarlyStopping": {
		epochs: 8,
		callbacks: () => [new EarlyStopping({ patience: 2, minDelta: 1, restoreBestWeights: true })],
	},
	"with EvaluateAfterEpoch": {
		callbacks: () => [
			new EvaluateAfterEpoch(imageDatasetFromDirectory(imageFolder, { imageSize: [30, 30], seed: 2, verbose: false })),
		],
	},
};

for (const [name, setting] of Object.entries(settings)) {
	test(`resumed training gives identical results: ${name}`, async () => {
		const uninterrupted = await run(undefined, setting);
		for (const failAfter of [1, 2]) {
			const backup = join(temporaryFolder(), "training.backup");
			await assert.rejects(run(backup, setting, failAfter), /killed/);
			assert.ok(existsSync(backup));
			const resumed = await run(backup, setting);
			assert.deepEqual(curves(resumed.history), curves(uninterrupted.history));
			assert.deepEqual(resumed.weights, uninterrupted.weights);
			const evaluated = ({ callbacks }: typeof resumed) => callbacks.flatMap((one) => ("acc" in one ? [one.acc] : []));
			assert.deepEqual(evaluated(resumed), evaluated(uninterrupted));
			assert.ok(!existsSync(backup), "the checkpoint is deleted when training completes");
		}
	});
}

test("training that was stopped early before the interruption is not continued", async () => {
	const backup = join(temporaryFolder(), "training.backup");
	const stopping = () => [new EarlyStopping({ patience: 1, minDelta: 100, restoreBestWeights: true })];
	const setting = { epochs: 8, callbacks: stopping };
	const uninterrupted = await run(undefined, setting);
	assert.equal(uninterrupted.history.epochsRun, 2);
	const failing = () => {
		const failure = new tf.CustomCallback({
			onTrainEnd: async () => {
				throw new Error("killed");
			},
		});
		return [...stopping(), failure as unknown as tf.Callback];
	};
	await assert.rejects(run(backup, { ...setting, callbacks: failing }), /killed/);
	const resumed = await run(backup, setting);
	assert.deepEqual(curves(resumed.history), curves(uninterrupted.history));
	assert.deepEqual(resumed.weights, uninterrupted.weights);
});

/** Contents of a checkpoint file as they are written: after their checksum. */
const withChecksum = (content: Buffer) => Buffer.concat([createHash("sha256").update(content).digest(), content]);

test("a checkpoint that is damaged, of another model or not writable is an error that names the file", async () => {
	const backup = join(temporaryFolder(), "training.backup");
	await assert.rejects(run(backup, {}, 1), /killed/);
	await assert.rejects(
		run(backup, { batchNormalization: true }),
		/is a checkpoint of another model: remove it to train from the start/,
	);
	const whole = readFileSync(backup);
	type Contents = Record<string, unknown> & { model: { data: Uint8Array; specs: { shape: number[] }[] } };
	const damages: [(contents: Contents) => void, RegExp][] = [
		[(contents) => contents.model.data.fill(255, 0, 4), /model is an object: expected tensors of numbers/],
		[
			(contents) => Object.assign(contents.model, { data: contents.model.data.slice(4) }),
			/expected tensors of \d+ bytes/,
		],
		[(contents) => contents.model.specs[0].shape.push(1e15), /expected tensors of \d+/],
		[(contents) => Object.assign(contents.model.specs[0], { dtype: "string" }), /dtype is "string"/],
		[(contents) => Object.assign(contents, { optimizer: new Map() }), /optimizer is an object: expected tensors/],
		[(contents) => Object.assign(contents, { epoch: "1" }), /epoch is "1": expected a whole number/],
		[(contents) => Object.assign(contents, { history: { loss: [1, 2, 3] } }), /acc is missing/],
		[(contents) => Object.assign(contents, { memories: null }), /memories is null/],
	];
	for (const [damage, reason] of damages) {
		const contents = deserialize(Buffer.from(whole.subarray(32))) as Contents; // a copy, which its arrays are views of
		damage(contents);
		writeFileSync(backup, withChecksum(serialize(contents)));
		await assert.rejects(run(backup, {}), reason);
	}
	writeFileSync(backup, withChecksum(serialize("text")));
	await assert.rejects(run(backup, {}), /cannot be read \(it is "text": expected an object\)/);
	const damaged = [
		whole.subarray(0, 40),
		whole.map((byte, i) => (i < whole.length / 2 ? byte : byte ^ 1)),
		serialize(5),
	];
	for (const content of damaged) {
		writeFileSync(backup, content);
		await assert.rejects(run(backup, {}), /training\.backup cannot be read \(.+\): remove it/);
	}
	// A full disk: every write to this device fails.
	const full = join("/dev/full", "training.backup");
	await assert.rejects(run(full, {}), /training\.backup cannot be (written|read)/);
});

test("saving and restoring checkpoints leaves no tensors", async () => {
	const growth = async (work: () => Promise<unknown>) => {
		const { numTensors } = tf.memory();
		await work();
		return tf.memory().numTensors - numTensors;
	};
	// The tensors of a model and its optimizer.
	const expected = await growth(() => run(undefined, {}));
	const backup = join(temporaryFolder(), "training.backup");
	assert.equal(await growth(() => assert.rejects(run(backup, {}, 3), /killed/)), expected);
	assert.equal(await growth(() => run(backup, {})), expected);
});
