// Saves and restores the training state after each epoch.
import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { readRegularFile, writeFileAtomically } from "../support/files";
import { optimizerState, restoreOptimizerState } from "../tensorflow/optimizers";
import type { Counter } from "../tensorflow/random";
import { type Checkpoint, type Encoded, validatedCheckpoint } from "./checkpoint-schema";
import type { Curves } from "./history";

/** State of a callback between two epochs. */
export interface CallbackState {
	values: Record<string, number | null>;
	weights: tf.Tensor[];
}

/** A callback whose state is saved in checkpoints. */
export interface StatefulCallback {
	/** Returns the state; the callback disposes its tensors. */
	stateDict(): CallbackState;
	/** Restores a state and takes over its tensors. */
	loadStateDict(state: CallbackState): void;
}

/** State of a training run in a checkpoint, besides model and optimizer. */
export type TrainingState = Omit<Checkpoint, "learningRate" | "model" | "optimizer" | "powers" | "memories"> & {
	callbackStates: CallbackState[];
};

/** Error of a checkpoint that is damaged, or of another model: training can only start without it. */
export class UnusableCheckpoint extends Error {
	constructor(file: string, why: string) {
		super(`${file} ${why}: remove it to train from the start`);
	}
}

/**
 * Saves a compiled model, its optimizer and its training state to one file, atomically.
 *
 * @throws when the file cannot be written, as on a full disk; an earlier checkpoint is kept
 */
async function saveCheckpoint(file: string, model: tf.LayersModel, state: TrainingState): Promise<void> {
	const { callbackStates, ...rest } = state;
	const { learningRate, slots, powers } = await optimizerState(model.optimizer);
	const memories = callbackStates.map(async ({ values, weights }) => ({ values, weights: await encode(weights) }));
	const checkpoint: Checkpoint = {
		...rest,
		learningRate,
		model: await encode(model.getWeights()),
		optimizer: await encode(slots),
		powers: await encode(powers),
		memories: await Promise.all(memories),
	};
	slots[0].dispose();
	const content = serialize(checkpoint);
	writeFileAtomically(file, Buffer.concat([sha256(content), content]));
}

/**
 * Restores the weights and the optimizer of a compiled model from a checkpoint file.
 *
 * @returns the training state, or null when the file does not exist
 * @throws when the file is damaged or a checkpoint of another model
 */
export async function restoreCheckpoint(file: string, model: tf.LayersModel): Promise<TrainingState | null> {
	const checkpoint = await load(file);
	if (!checkpoint) return null;
	const { learningRate, model: weightsOfModel, optimizer, powers, memories, ...state } = checkpoint;
	const weights = decode(weightsOfModel);
	const shapes = (tensors: tf.Tensor[]) => JSON.stringify(tensors.map(({ shape }) => shape));
	if (shapes(weights) !== shapes(model.getWeights()) || !slotsFit(optimizer, weights)) {
		tf.dispose(weights);
		throw new UnusableCheckpoint(file, "is a checkpoint of another model");
	}
	model.setWeights(weights);
	const restored = { learningRate, slots: decode(optimizer), powers: decode(powers) };
	await restoreOptimizerState(model.optimizer, restored).catch((error: Error) => {
		throw new UnusableCheckpoint(file, `has no optimizer of this model (${error.message})`);
	});
	tf.dispose([weights, restored.slots, restored.powers]);
	return { ...state, callbackStates: memories.map(({ values, weights }) => ({ values, weights: decode(weights) })) };
}

/** Whether each slot of an optimizer is a scalar or has the shape of a weight. */
function slotsFit({ specs }: Encoded, weights: tf.Tensor[]): boolean {
	const shapes = new Set(["", ...weights.map(({ shape }) => shape.join())]);
	return specs.every(({ shape }) => shapes.has(shape.join()));
}

/** Running totals of a training run. */
type Counts = { samples: number; history: Curves };

/** Restores sample count, history and random state from a checkpoint. */
export function restoreProgress(
	{ samples, history, counts }: TrainingState,
	progress: Counts,
	counters: Counter[],
): void {
	progress.samples = samples;
	Object.assign(progress.history, history);
	for (const [i, counter] of counters.entries()) counter.count = counts[i];
}

/**
 * Returns a callback that restores the state of the other callbacks and saves a checkpoint after each epoch. It must be
 * the last callback, so that it saves what the others did in the epoch.
 */
export function checkpointCallback(
	file: string,
	model: tf.LayersModel,
	saved: TrainingState | null,
	training: { progress: Counts; counters: Counter[]; callbacks: object[]; seconds(): number },
): tf.CustomCallback {
	const stateful = training.callbacks.filter((callback): callback is StatefulCallback => "loadStateDict" in callback);
	return new tf.CustomCallback({
		// Callbacks reset their state when training begins, so a restore before that would be lost.
		onTrainBegin: async () => {
			for (const [i, state] of saved?.callbackStates.entries() ?? []) stateful[i]?.loadStateDict(state);
		},
		onEpochEnd: async (epoch) => {
			const { samples, history } = training.progress;
			await saveCheckpoint(file, model, {
				epoch: epoch + 1,
				stopped: model.stopTraining,
				seconds: training.seconds(),
				samples,
				history,
				counts: training.counters.map(({ count }) => count),
				callbackStates: stateful.map((callback) => callback.stateDict()),
			});
		},
	});
}

/** Contents of a checkpoint file start with their checksum: damaged weights are numbers too. */
const sha256 = (content: Uint8Array): Buffer => createHash("sha256").update(content).digest();

async function load(file: string): Promise<Checkpoint | null> {
	try {
		const bytes = await readRegularFile(file);
		const content = bytes.subarray(32);
		if (!sha256(content).equals(bytes.subarray(0, 32))) throw new Error("it is damaged or of an earlier version");
		return validatedCheckpoint(deserialize(content));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw new UnusableCheckpoint(file, `cannot be read (${(error as Error).message})`);
	}
}

async function encode(tensors: tf.Tensor[]): Promise<Encoded> {
	const named = tensors.map((tensor, i) => ({ name: String(i), tensor }));
	const { data, specs } = await tf.io.encodeWeights(named);
	return { data: new Uint8Array(data), specs };
}

function decode({ data, specs }: Encoded): tf.Tensor[] {
	const tensors = tf.io.decodeWeights(new Uint8Array(data).buffer, specs);
	return specs.map(({ name }) => tensors[name]);
}
