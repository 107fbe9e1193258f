// Saves and restores the training state after each epoch.
import { readFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { writeFileAtomically } from "../support/files";
import { optimizerState, restoreOptimizerState } from "../tensorflow/optimizers";
import type { Counter } from "../tensorflow/random";
import type { Curves } from "./history";

/** The state of a callback between two epochs. */
export interface CallbackState {
	values: Record<string, number | null>;
	weights: tf.Tensor[];
}

/** A callback whose state a checkpoint keeps. */
export interface StatefulCallback {
	/** Returns the state. Its tensors stay the callback's. */
	stateDict(): CallbackState;
	/** Restores a state. Its tensors become the callback's. */
	loadStateDict(state: CallbackState): void;
}

/** All that training needs to resume, but for model, optimizer, data and code. */
export interface TrainingState {
	/** The number of finished epochs. */
	epoch: number;
	/** Whether a callback ended training. */
	stopped: boolean;
	seconds: number;
	samples: number;
	history: Curves;
	/** The number of draws from each source of random numbers, and of epochs begun by each dataset. */
	counts: number[];
	callbackStates: CallbackState[];
}

/** Tensors as bytes, with their shapes and dtypes. */
type Encoded = { data: Uint8Array; specs: Awaited<ReturnType<typeof tf.io.encodeWeights>>["specs"] };

/** What a checkpoint file holds, serialized by v8. The names are those that earlier versions wrote. */
type Checkpoint = Omit<TrainingState, "callbackStates"> & {
	learningRate: number;
	model: Encoded;
	optimizer: Encoded;
	powers: Encoded;
	memories: { values: CallbackState["values"]; weights: Encoded }[];
};

/**
 * Writes a compiled model, its optimizer and the state of its training to one file, atomically.
 *
 * @throws when the file cannot be written, as on a full disk; an earlier checkpoint stays as it was
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
	writeFileAtomically(file, serialize(checkpoint));
}

/**
 * Restores the weights and the optimizer of a compiled model from a checkpoint file.
 *
 * @returns the state of the training, or null when there is no such file
 * @throws when the file is damaged, or of another model
 */
export async function restoreCheckpoint(file: string, model: tf.LayersModel): Promise<TrainingState | null> {
	const checkpoint = load(file);
	if (!checkpoint) return null;
	const { learningRate, model: weightsOfModel, optimizer, powers, memories, ...state } = checkpoint;
	const weights = decode(weightsOfModel);
	const shapes = (tensors: tf.Tensor[]) => JSON.stringify(tensors.map(({ shape }) => shape));
	if (shapes(weights) !== shapes(model.getWeights())) {
		tf.dispose(weights);
		throw new Error(`${file} is a checkpoint of another model: remove it to train from the start`);
	}
	model.setWeights(weights);
	const restored = { learningRate, slots: decode(optimizer), powers: decode(powers) };
	await restoreOptimizerState(model.optimizer, restored);
	tf.dispose([weights, restored.slots, restored.powers]);
	return { ...state, callbackStates: memories.map(({ values, weights }) => ({ values, weights: decode(weights) })) };
}

/** What training counts as it goes. */
type Counts = { samples: number; history: Curves };

/** Sets samples, history and the counters of random numbers to those of a checkpoint. */
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
 * Returns a callback, to be the last one, that restores the state of the others and writes a checkpoint after each epoch.
 */
export function checkpointCallback(
	file: string,
	model: tf.LayersModel,
	saved: TrainingState | null,
	training: { progress: Counts; counters: Counter[]; callbacks: object[]; seconds(): number },
): tf.CustomCallback {
	const stateful = training.callbacks.filter((callback): callback is StatefulCallback => "loadStateDict" in callback);
	return new tf.CustomCallback({
		// Not earlier: callbacks reset their state when training begins.
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

function load(file: string): Checkpoint | null {
	try {
		return deserialize(readFileSync(file)) as Checkpoint;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw new Error(`${file} cannot be read (${(error as Error).message}): remove it to train from the start`);
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
