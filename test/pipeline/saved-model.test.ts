import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs, { cpSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { DEFAULT_PARAMETERS, type TrainingParameters } from "../../src/pipeline/parameters";
import { loadModel, saveModel } from "../../src/pipeline/saved-model";
import { arithmeticOf } from "../../src/tensorflow/precision";
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

/** Starts a process that saves a model again and again, and prints a dot after each save. */
function startSaver(
	artifacts: string,
	{ seed, classNames, saves }: { seed: number; classNames: string[]; saves: number },
) {
	const saved = { ...record, classNames, dataset: temporaryFolder() };
	const code = `
		const { cnn } = require("./src/cnn/cnn");
		const { saveModel } = require("./src/pipeline/saved-model");
		const model = cnn({ inputShape: [16, 16, 3], filters: [2], denseUnits: 3, seed: ${seed} });
		(async () => {
			for (let i = 0; i < ${saves}; i++) {
				await saveModel(model, ${JSON.stringify(artifacts)}, ${JSON.stringify(saved)});
				process.stdout.write(".");
			}
		})();`;
	const env = { ...process.env, TF_ENABLE_ONEDNN_OPTS: "0", TF_CPP_MIN_LOG_LEVEL: "3" };
	return spawn(process.execPath, ["--require", "tsx/cjs", "-e", code], {
		cwd: root,
		env,
		stdio: ["ignore", "pipe", "inherit"],
	});
}

test("a process that is killed while it saves leaves a whole model", async () => {
	const { artifacts } = await savedModel(1);
	const saver = startSaver(artifacts, { seed: 2, classNames: ["a", "b"], saves: Number.POSITIVE_INFINITY });
	for (let saves = 0; saves < 20; saves += String((await once(saver.stdout, "data"))[0]).length);
	saver.kill("SIGKILL");
	await once(saver, "exit");
	assert.deepEqual(weightsOf((await loadModel(artifacts))?.model), weightsOf(small(2)));
});

test("of two processes that save at once, no model is read with the record of the other, or in part", async () => {
	const { artifacts } = await savedModel(1);
	const savers = [2, 3].map((seed) => startSaver(artifacts, { seed, classNames: [`${seed}`, "b"], saves: 30 }));
	const ends = Promise.all(savers.map((saver) => once(saver, "exit")));
	const expected = new Map(
		[
			["cats", small(1)],
			["2", small(2)],
			["3", small(3)],
		].map(([name, model]) => [name, weightsOf(model as tf.LayersModel)]),
	);
	const found = new Set<string>();
	for (let running = true; running; ) {
		const loaded = await loadModel(artifacts).catch(({ message }: Error) =>
			assert.match(message, /: train a new model/),
		);
		if (loaded) {
			const [name] = loaded.record.classNames;
			assert.deepEqual(weightsOf(loaded.model), expected.get(name));
			loaded.model.dispose();
			found.add(name);
		}
		running = await Promise.race([ends.then(() => false), setTimeout(20, true)]);
	}
	assert.deepEqual(
		(await ends).map(([code]) => code),
		[0, 0],
	);
	assert.ok(found.size > 1, [...found].join());
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

const disk = mkdtempSync(join(tmpdir(), "disk-"));
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]).status === 0;
after(() => {
	if (mounted) spawnSync("umount", [disk]);
	rmSync(disk, { recursive: true });
});

test("on a full disk the earlier model stays", {
	skip: mounted ? false : "a small disk cannot be mounted here",
}, async () => {
	const model = small(1);
	const artifacts = join(disk, "artifacts");
	await saveModel(model, artifacts, record);
	const large = cnn({ inputShape: [16, 16, 3], filters: [8], denseUnits: 30, seed: 2 });
	// From no room at all to room for a part of it.
	for (const room of [4, 8, 16, 32, 64, 80]) {
		writeFileSync(join(disk, "others"), "");
		const { bavail, bsize } = fs.statfsSync(disk);
		writeFileSync(join(disk, "others"), Buffer.alloc(bavail * bsize - room * 1024));
		const saved = await saveModel(large, artifacts, record).catch(({ message }: Error) => {
			assert.match(
				message,
				/^\S+model cannot be saved, and the earlier model stays: the disk is full: \d\.\d MB free, /,
			);
			return null;
		});
		if (room <= 32) assert.equal(saved, null);
		const loaded = await loadModel(artifacts);
		assert.deepEqual(weightsOf(loaded?.model), weightsOf(saved ? large : model));
	}
	rmSync(join(disk, "others"));
	await saveModel(small(3), artifacts, record);
	assert.deepEqual(readdirSync(artifacts).sort(), ["model", "training.json"]);
	assert.deepEqual(weightsOf((await loadModel(artifacts))?.model), weightsOf(small(3)));
});

test("a model is loaded with the precision that it was trained in; one of an older record has none and is float32", async () => {
	const artifacts = temporaryFolder();
	for (const [precision, expected] of [
		["mixed_bfloat16", /bfloat16$/],
		[undefined, /^float32$/],
	] as const) {
		const parameters = { ...record.parameters, precision } as TrainingParameters;
		await saveModel(small(1), artifacts, { ...record, parameters });
		assert.match(arithmeticOf((await loadModel(artifacts))?.model as tf.LayersModel), expected);
	}
});
