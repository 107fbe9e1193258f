// Dynamic batching: images of all requests that wait are classified together.
import { setImmediate } from "node:timers/promises";
import { busy, httpError } from "./errors";

/** What a batcher does with items, and how many it takes. */
export interface BatcherOptions<Item, Prepared, Result> {
	/** Prepares one item, for example decodes it. */
	prepare(item: Item): Prepared | Promise<Prepared>;
	/** Processes a batch: one result for each, in their order. */
	run(batch: Prepared[]): Result[];
	/** Largest number of items in a batch. Default 32. */
	maxBatch?: number;
	/** Largest number of items that wait. Default 256. */
	maxWaiting?: number;
	/** Is called with the number of items of each batch. */
	onBatch?(size: number): void;
}

export interface Batcher<Item, Result> {
	/**
	 * Adds items to those that wait.
	 *
	 * @param isWanted whether anyone waits for the results: what nobody wants any more is left out
	 * @returns one result for each, in their order
	 * @throws the error of status 503 when too many wait
	 */
	submit(items: Item[], isWanted?: () => boolean): Promise<Result[]>;
	/** Number of items that wait. */
	waiting(): number;
}

interface Entry<Item, Result> {
	item: Item;
	isWanted: () => boolean;
	resolve(result: Result): void;
	reject(error: unknown): void;
}

/**
 * Returns a batcher. While a batch is processed, items collect for the next one, so batches grow with the load, and an
 * item that comes alone does not wait for others.
 */
export function createBatcher<Item, Prepared, Result>({
	prepare,
	run,
	maxBatch = 32,
	maxWaiting = 256,
	onBatch,
}: BatcherOptions<Item, Prepared, Result>): Batcher<Item, Result> {
	const queue: Entry<Item, Result>[] = [];
	let isWorking = false;

	async function work(): Promise<void> {
		isWorking = true;
		// Requests that have arrived with this one join its batch.
		await setImmediate();
		while (queue.length > 0) {
			const batch = queue.splice(0, Math.min(maxBatch, batchSizeOf(queue.length))).filter(dismissUnwanted);
			if (batch.length > 0) await process(batch);
		}
		isWorking = false;
	}

	async function process(batch: Entry<Item, Result>[]): Promise<void> {
		try {
			const prepared: Prepared[] = [];
			for (const { item } of batch) {
				prepared.push(await prepare(item));
				// Decoding keeps the thread: between two images others get their turn.
				await setImmediate();
			}
			onBatch?.(batch.length);
			const results = run(prepared);
			for (const [i, { resolve }] of batch.entries()) resolve(results[i]);
		} catch (error) {
			for (const { reject } of batch) reject(error);
		}
	}

	return {
		waiting: () => queue.length,
		async submit(items, isWanted = () => true) {
			if (queue.length + items.length > maxWaiting) throw busy("too many images wait");
			const results = items.map(
				(item) => new Promise<Result>((resolve, reject) => queue.push({ item, isWanted, resolve, reject })),
			);
			if (!isWorking) void work();
			return Promise.all(results);
		},
	};
}

/**
 * Returns how many of the items that wait make a batch. The predictor fills batches up to powers of two: from 8 on that
 * would take longer than a full batch now and the rest with those that come meanwhile.
 */
const batchSizeOf = (waiting: number) => (waiting < 8 ? waiting : 2 ** Math.floor(Math.log2(waiting)));

function dismissUnwanted({ isWanted, reject }: Entry<unknown, unknown>): boolean {
	const wanted = isWanted();
	if (!wanted) reject(httpError(499, "the client has gone"));
	return wanted;
}
