import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { grid } from "../../src/sweep/space";
import { sweep } from "../../src/sweep/sweep";
import { root, smallDataset, smallSpace, temporaryFolder } from "../helpers";

const options = () => ({ dataset: smallDataset(), folder: temporaryFolder(), threads: 1, workers: 2, retries: 2 });

test("a trial that diverges has failed, is not retried and is never the best", async () => {
	const space = { ...smallSpace, epochs: 2, batchSize: 2, learningRate: grid(1e-4, 1e30) };
	const { trials, best } = await sweep(space, { ...options(), trials: 1 });
	assert.deepEqual(
		trials.map(({ state, attempts }) => ({ state, attempts })),
		[
			{ state: "complete", attempts: 1 },
			{ state: "failed", attempts: 1 },
		],
	);
	assert.match(
		trials[1].error ?? "",
		/^the (validation )?loss is not a number since epoch [12]: lower learningRate \(1e\+30\)$/,
	);
	assert.ok(Object.values(trials[1].curves).flat().every(Number.isFinite));
	assert.equal(best?.id, 0);
});

test("so has a trial of a module whose loss is not a number, with halving too", async () => {
	const module = join(root, "test", "fixtures", "diverging-trial.ts");
	for (const halving of [null, { minEpochs: 2 }]) {
		const space = { dropout: grid(0.5, 0) };
		const { trials, best } = await sweep(space, { ...options(), module, halving, workers: 1 });
		const [diverged, whole] = trials;
		assert.deepEqual([diverged.state, diverged.attempts, whole.state], ["failed", 1, "complete"]);
		assert.equal(diverged.error, "the validation loss is not a number since epoch 2");
		assert.ok((diverged.value as number) < (whole.value as number), "its first epoch was better");
		assert.equal(best?.id, whole.id);
	}
});
