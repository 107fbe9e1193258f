import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs, { cpSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import { loadModel, saveModel } from "../../src/pipeline/saved-model";
import { root, smallDataset, temporaryFolder } from "../helpers";

const record = {
	dataset: smallDataset(),
	classNames: ["cats", "dogs"],
	parameters: DEFAULT_PARAMETERS,
	history: { loss: [1], acc: [0.5], valLoss: [1], valAcc: [0.5], epochsRun: 1, seconds: 1 },
};
const small = (seed: number) => cnn({ inputShape: [16, 16, 3], filters: [2], denseUnits: 3, seed });
const weightsOf = (model?: tf.LayersModel) => model?.getWeights().map((weight) => [...weight.dataSync()]);

async function savedModel(seed = 1): Promise<{ artifacts: string; model: tf.LayersModel }> {
	const artifacts = temporaryFolder();
	const model = small(seed);
	await saveModel(model, artifacts, record);
	return { artifacts, model };
}

/** Copies `folder` before each change that `work` makes to its files. */
async function momentsOf(folder: string, work: () => Promise<unknown>): Promise<string[]> {
	const moments = temporaryFolder();
	const { renameSync, rmSync, writeFileSync, mkdirSync } = fs;
	const originals = { renameSync, rmSync, writeFileSync, mkdirSync };
	let count = 0;
	for (const [name, original] of Object.entries(originals)) {
		fs[name as "rmSync"] = (...args: Parameters<typeof rmSync>) => {
			if (String(args[0]).startsWith(folder)) cpSync(folder, join(moments, String(count++)), { recursive: true });
			return (original as typeof rmSync)(...args);
		};
	}
	await work().finally(() => Object.assign(fs, originals));
	return Array.from({ length: count }, (_, moment) => join(moments, String(moment)));
}

test("at each moment of a save there is one whole model, the earlier or the new one, and the next save leaves only its own", async () => {
	const { artifacts, model } = await savedModel(1);
	const next = small(2);
	const moments = await momentsOf(artifacts, () => saveModel(next, artifacts, { ...record, classNames: ["a", "b"] }));
	assert.ok(moments.length >= 5, String(moments.length));
	const found = new Set<string>();
	for (const moment of moments) {
		const loaded = await loadModel(moment);
		const isNew = loaded?.record.classNames[0] === "a";
		assert.deepEqual(weightsOf(loaded?.model), weightsOf(isNew ? next : model), readdirSync(moment).join(", "));
		found.add(isNew ? "new" : "earlier");
		// As the process of a save that was killed.
		for (const name of readdirSync(moment))
			renameSync(join(moment, name), join(moment, name.replace(`.${process.pid}-`, ".999999999-")));
		assert.equal((await loadModel(moment))?.record.classNames[0], isNew ? "a" : "cats");
		await saveModel(model, moment, record);
		assert.deepEqual(readdirSync(moment).sort(), ["model", "training.json"]);
		assert.deepEqual(weightsOf((await loadModel(moment))?.model), weightsOf(model));
	}
	assert.deepEqual([...found], ["earlier", "new"]);
});

test("a process that is killed while it saves leaves a whole model", async () => {
	const { artifacts } = await savedModel(1);
	const code = `
		const { cnn } = require("./src/cnn/cnn");
		const { saveModel } = require("./src/pipeline/saved-model");
		const model = cnn({ inputShape: [16, 16, 3], filters: [2], denseUnits: 3, seed: 2 });
		const record = ${JSON.stringify({ ...record, dataset: temporaryFolder() })};
		(async () => { for (;;) { await saveModel(model, ${JSON.stringify(artifacts)}, record); process.stdout.write("."); } })();`;
	const saver = spawn(process.execPath, ["--require", "tsx/cjs", "-e", code], {
		cwd: root,
		stdio: ["ignore", "pipe", "inherit"],
	});
	for (let saves = 0; saves < 20; saves += String((await once(saver.stdout, "data"))[0]).length);
	// A reader beside the writer finds a whole model too.
	for (let i = 0; i < 20; i++) assert.ok(await loadModel(artifacts));
	saver.kill("SIGKILL");
	await once(saver, "exit");
	assert.deepEqual(weightsOf((await loadModel(artifacts))?.model), weightsOf(small(2)));
});

test("weights that are not finite numbers are not saved over a good model", async () => {
	for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
		const { artifacts, model } = await savedModel();
		const broken = small(2);
		broken.setWeights(broken.getWeights().map((weight) => tf.fill(weight.shape, value)));
		await assert.rejects(
			saveModel(broken, artifacts, record),
			/^Error: the weights \S+kernel are not finite numbers: the model is not saved, and an earlier one stays; /,
		);
		assert.deepEqual(readdirSync(artifacts).sort(), ["model", "training.json"]);
		assert.deepEqual(weightsOf((await loadModel(artifacts))?.model), weightsOf(model));
	}
});
