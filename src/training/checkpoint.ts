// Training that was interrupted goes on after its last epoch, as if nothing had happened.
import { readFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { writeWhole } from "../support/artifacts";
import type { Counter } from "../tensorflow/random";

/** What a callback remembers from epoch to epoch. */
export interface Memory {
	values: Record<string, number | null>;
	weights: tf.Tensor[];
}

/** A callback that can go on after an interruption. */
export interface Remembering {
	/** What it remembers. The tensors stay its own. */
	memory(): Memory;
	/** Remembers that again. The tensors become its own. */
	recall(memory: Memory): void;
}

/** All that training needs to go on, but for the data and the code. */
export interface TrainingState {
	/** The number of finished epochs. */
	epoch: number;
	/** Whether a callback ended training. */
	stopped: boolean;
	seconds: number;
	samples: number;
	history: Record<string, number[]>;
	/** How far each source of random numbers, and each shuffled order, was used. */
	counts: number[];
	memories: Memory[];
}

/** What tfjs keeps in an optimizer beside its weights. */
type Optimizer = tf.Optimizer & { learningRate: number; accBeta1?: tf.Variable; accBeta2?: tf.Variable };

/** Tensors as bytes and what they are. */
type Encoded = { data: Uint8Array; specs: Awaited<ReturnType<typeof tf.io.encodeWeights>>["specs"] };

/** What a file holds. */
type Backup = Omit<TrainingState, "memories"> & {
	learningRate: number;
	model: Encoded;
	optimizer: Encoded;
	/** β₁ᵗ and β₂ᵗ of Adam, which tfjs would compute anew, and rounded otherwise. */
	powers: Encoded;
	memories: { values: Memory["values"]; weights: Encoded }[];
};

/**
 * Writes a compiled model, its optimizer and the state of its training to one file, whole or not at all.
 *
 * @throws when the file cannot be written, as on a full disk; one that was there before is left as it was
 */
async function writeBackup(file: string, model: tf.LayersModel, state: TrainingState): Promise<void> {
	const optimizer = model.optimizer as Optimizer;
	const memories = state.memories.map(async ({ values, weights }) => ({ values, weights: await encode(weights) }));
	const slots = (await optimizer.getWeights()).map(({ tensor }) => tensor);
	const backup: Backup = {
		...state,
		learningRate: optimizer.learningRate,
		model: await encode(model.getWeights()),
		optimizer: await encode(slots),
		powers: await encode(powersOf(optimizer)),
		memories: await Promise.all(memories),
	};
	slots[0].dispose(); // the number of steps, which is made anew each time; the others are the optimizer's own
	writeWhole(file, serialize(backup));
}

/**
 * Gives a compiled model and its optimizer what they had when the file was written.
 *
 * @returns the state of the training, or null when there is no such file
 * @throws when the file is damaged, or of another model
 */
export async function readBackup(file: string, model: tf.LayersModel): Promise<TrainingState | null> {
	const backup = load(file);
	if (!backup) return null;
	const weights = decode(backup.model);
	const shapes = (tensors: tf.Tensor[]) => JSON.stringify(tensors.map(({ shape }) => shape));
	if (shapes(weights) !== shapes(model.getWeights())) {
		tf.dispose(weights);
		throw new Error(`${file} is of another model: remove it, and training starts anew`);
	}
	model.setWeights(weights);
	tf.dispose(weights);
	const optimizer = model.optimizer as Optimizer;
	optimizer.learningRate = backup.learningRate;
	const [slots, powers] = [decode(backup.optimizer), decode(backup.powers)];
	await optimizer.setWeights(slots.map((tensor, i) => ({ name: `slot_${i}`, tensor })));
	powersOf(optimizer).forEach((power, i) => {
		power.assign(powers[i]);
	});
	tf.dispose([slots, powers]);
	const memories = backup.memories.map(({ values, weights }) => ({ values, weights: decode(weights) }));
	return { ...backup, memories };
}

/** What training counts as it goes. */
type Counts = { samples: number; history: Record<string, number[]> };

/** Sets what training counts, and where random numbers and orders stand, to what they were. */
export function resume({ samples, history, counts }: TrainingState, progress: Counts, counters: Counter[]): void {
	progress.samples = samples;
	Object.assign(progress.history, history);
	for (const [i, counter] of counters.entries()) counter.count = counts[i];
}

/** A callback, to be the last one, that gives the others their memory back and writes a backup after each epoch. */
export function backupKeeper(
	file: string,
	model: tf.LayersModel,
	saved: TrainingState | null,
	now: { progress: Counts; counters: Counter[]; callbacks: object[]; seconds(): number },
): tf.CustomCallback {
	const remembering = now.callbacks.filter((callback): callback is Remembering => "recall" in callback);
	return new tf.CustomCallback({
		// Here, for when training begins callbacks forget.
		onTrainBegin: async () => {
			for (const [i, memory] of saved?.memories.entries() ?? []) remembering[i]?.recall(memory);
		},
		onEpochEnd: async (epoch) => {
			const { samples, history } = now.progress;
			await writeBackup(file, model, {
				epoch: epoch + 1,
				stopped: model.stopTraining,
				seconds: now.seconds(),
				samples,
				history,
				counts: now.counters.map(({ count }) => count),
				memories: remembering.map((callback) => callback.memory()),
			});
		},
	});
}

function load(file: string): Backup | null {
	try {
		return deserialize(readFileSync(file)) as Backup;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw new Error(`${file} cannot be read (${(error as Error).message}): remove it, and training starts anew`);
	}
}

const powersOf = ({ accBeta1, accBeta2 }: Optimizer) => (accBeta1 && accBeta2 ? [accBeta1, accBeta2] : []);

async function encode(tensors: tf.Tensor[]): Promise<Encoded> {
	const named = tensors.map((tensor, i) => ({ name: String(i), tensor }));
	const { data, specs } = await tf.io.encodeWeights(named);
	return { data: new Uint8Array(data), specs };
}

function decode({ data, specs }: Encoded): tf.Tensor[] {
	const tensors = tf.io.decodeWeights(new Uint8Array(data).buffer, specs);
	return specs.map(({ name }) => tensors[name]);
}
