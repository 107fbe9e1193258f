import assert from "node:assert/strict";
import { createReadStream, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { cnn } from "../../src/cnn/cnn";
import { extractFeatures, loadBackbone, rotationTask, withNewHead } from "../../src/cnn/transfer";
import { imageDatasetFromDirectory } from "../../src/datasets/dataset";
import type { Batch } from "../../src/datasets/types";
import { evaluate } from "../../src/evaluation/evaluate";
import { compile } from "../../src/training/compile";
import { train } from "../../src/training/train";
import { imageFolder, temporaryFolder } from "../helpers";

const folder = temporaryFolder();
const backbone = cnn({ inputShape: [16, 16, 3], filters: [4, 6], denseUnits: 4, classes: 4, seed: 1 });
const data = imageDatasetFromDirectory(imageFolder, { imageSize: [16, 16], shuffle: false, verbose: false });
const arrays = (model: tf.LayersModel) => model.getWeights().map((weight) => weight.arraySync());

test("a layers model is loaded with its weights from a folder and from a server", async () => {
	await backbone.save(`file://${folder}`);
	const server = createServer((request, response) => {
		const file = join(folder, request.url ?? "");
		if (existsSync(file)) createReadStream(file).pipe(response);
		else response.writeHead(404).end();
	});
	await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
	after(() => server.close());
	const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	for (const from of [folder, join(folder, "model.json"), address, `${address}/model.json`]) {
		assert.deepEqual(arrays((await loadBackbone(from)) as tf.LayersModel), arrays(backbone), from);
	}
	const before = process.cwd();
	try {
		process.chdir(folder);
		assert.deepEqual(arrays((await loadBackbone("model.json")) as tf.LayersModel), arrays(backbone));
	} finally {
		process.chdir(before);
	}
	await assert.rejects(
		loadBackbone(`${address}/none`),
		/cannot load the backbone .*none\/model\.json: the server answered 404/,
	);
	await assert.rejects(loadBackbone("http://127.0.0.1:1/model"), /model\.json: (.*ECONNREFUSED|bad port)/);
	await assert.rejects(loadBackbone("/no/such"), /cannot load the backbone \/no\/such\/model\.json: ENOENT/);
});

test("missing and damaged weights are named with what to do", async () => {
	const damaged = temporaryFolder();
	await backbone.save(`file://${damaged}`);
	const weights = join(damaged, "weights.bin");
	const bytes = readFileSync(weights);
	const failing = (reason: string) =>
		assert.rejects(loadBackbone(damaged), (error: Error) => {
			assert.ok(
				error.message.startsWith(`cannot load the backbone ${join(damaged, "model.json")}: ${reason}`),
				error.message,
			);
			return !error.message.includes("\n");
		});
	writeFileSync(weights, bytes.subarray(0, 1000));
	await failing(`its weights weights.bin have 1000 bytes, not ${bytes.length}: copy model.json and all files`);
	rmSync(weights);
	await failing("its weights weights.bin cannot be read (ENOENT");
	const json = readFileSync(join(damaged, "model.json"), "utf8");
	writeFileSync(join(damaged, "model.json"), json.slice(0, 300));
	await failing("it is not JSON, line 1: ");
	writeFileSync(join(damaged, "model.json"), "{}");
	await failing("it is not the model.json of a TensorFlow.js model");
	writeFileSync(join(damaged, "model.json"), `\ufeff${json}`);
	writeFileSync(weights, bytes);
	assert.deepEqual(arrays((await loadBackbone(damaged)) as tf.LayersModel), arrays(backbone), "with a byte order mark");
});

test("a graph model extracts features", async () => {
	const graph = temporaryFolder();
	// The output of the TensorFlow.js converter for y = 2x.
	const shape = { dim: [{ size: "-1" }, { size: "4" }, { size: "4" }, { size: "3" }] };
	const node = [
		{ name: "x", op: "Placeholder", attr: { dtype: { type: "DT_FLOAT" }, shape: { shape } } },
		{ name: "y", op: "AddV2", input: ["x", "x"], attr: { T: { type: "DT_FLOAT" } } },
	];
	const modelTopology = { node, versions: { producer: 1 } };
	writeFileSync(
		join(graph, "model.json"),
		JSON.stringify({ format: "graph-model", modelTopology, weightsManifest: [] }),
	);
	const loaded = await loadBackbone(graph);
	const { features, labels } = await extractFeatures(loaded, data, { range: [0, 1] });
	assert.deepEqual([features.shape, labels.shape], [[8, 3], [8]]);
	const batches = await data.toArray();
	const expected = tf.tidy(() =>
		tf.image
			.resizeBilinear(batches[0].xs, [4, 4], false, true)
			.mean([1, 2])
			.div(255 / 2),
	);
	assert.ok(features.sub(expected).abs().max().dataSync()[0] < 1e-4);
});

test("features do not depend on the batch size", async () => {
	const one = await extractFeatures(backbone, data, { range: [0, 255] });
	const options = { imageSize: [16, 16] as [number, number], batchSize: 3, shuffle: false, verbose: false };
	const other = await extractFeatures(backbone, imageDatasetFromDirectory(imageFolder, options), { range: [0, 255] });
	assert.ok(one.features.sub(other.features).abs().max().dataSync()[0] < 1e-5);
	assert.deepEqual(one.labels.arraySync(), data.labels);
});

test("training changes the new head, and the backbone only if it is trainable", async () => {
	for (const trainable of [false, true]) {
		const model = withNewHead(backbone, 2, { trainable, seed: 2 });
		compile(model);
		const weights = () =>
			model.layers.map((layer) => JSON.stringify(layer.getWeights().map((weight) => weight.arraySync())));
		const before = weights();
		await train(model, data, { epochs: 2, onProgress: null });
		const changed = weights().map((weight, i) => weight !== before[i]);
		assert.equal(changed.pop(), true, "the head");
		assert.equal(changed.some(Boolean), trainable, "the backbone");
		assert.ok((await evaluate(model, data)).loss > 0);
	}
	const dense = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4] })] });
	assert.throws(() => withNewHead(dense, 2), /has no feature maps \[batch, height, width, channels\]/);
});

test("the rotation task rotates images by multiples of 90 degrees", async () => {
	const xs = tf.randomUniform([2, 5, 5, 3], 0, 255, "float32", 1) as tf.Tensor4D;
	const task = rotationTask(tf.data.array([{ xs, ys: tf.zeros([2]) }]) as unknown as tf.data.Dataset<Batch>);
	const [batch] = await task.toArray();
	assert.deepEqual(batch.ys.arraySync(), [0, 0, 1, 1, 2, 2, 3, 3]);
	// A rotation by 180 degrees reverses both axes; one by 90 degrees moves a corner to the next.
	const rotations = tf.split(batch.xs, 4) as tf.Tensor4D[];
	const same = (a: tf.Tensor, b: tf.Tensor) => assert.deepEqual(a.arraySync(), b.arraySync());
	same(rotations[0], xs);
	same(rotations[2], xs.reverse([1, 2]));
	same(rotations[3], rotations[1].reverse([1, 2]));
	same(rotations[1].slice([0, 4, 0, 0], [2, 1, 1, 3]), xs.slice([0, 0, 0, 0], [2, 1, 1, 3]));
});
