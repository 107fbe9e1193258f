import assert from "node:assert/strict";
import { createReadStream, existsSync, writeFileSync } from "node:fs";
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

test("a layers model comes from a folder and from a server, with its weights", async () => {
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
	await assert.rejects(
		loadBackbone(`${address}/none`),
		/cannot load the backbone .*none\/model\.json: the server answered 404/,
	);
	await assert.rejects(loadBackbone("/no/such"), /cannot load the backbone \/no\/such\/model\.json: ENOENT/);
});

test("a graph model runs too", async () => {
	const graph = temporaryFolder();
	// What the TensorFlow.js converter writes for y = 2x.
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

test("features are those of the network, whatever the batches", async () => {
	const one = await extractFeatures(backbone, data, { range: [0, 255] });
	const options = { imageSize: [16, 16] as [number, number], batchSize: 3, shuffle: false, verbose: false };
	const other = await extractFeatures(backbone, imageDatasetFromDirectory(imageFolder, options), { range: [0, 255] });
	assert.ok(one.features.sub(other.features).abs().max().dataSync()[0] < 1e-5);
	assert.deepEqual(one.labels.arraySync(), data.labels);
});

test("a new head learns while frozen layers stay; unfrozen they learn too", async () => {
	for (const trainable of [false, true]) {
		const model = withNewHead(backbone, 2, { trainable, seed: 2 });
		compile(model);
		const weights = () => model.layers.map((layer) => JSON.stringify(layer.getWeights().map((one) => one.arraySync())));
		const before = weights();
		await train(model, data, { epochs: 2, onProgress: null });
		const changed = weights().map((weight, i) => weight !== before[i]);
		assert.equal(changed.pop(), true, "the head");
		assert.equal(changed.some(Boolean), trainable, "the rest");
		assert.ok((await evaluate(model, data)).loss > 0);
	}
	const dense = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4] })] });
	assert.throws(() => withNewHead(dense, 2), /has no maps \[batch, height, width, channels\]/);
});

test("the rotation task turns images by quarters", async () => {
	const xs = tf.randomUniform([2, 5, 5, 3], 0, 255, "float32", 1) as tf.Tensor4D;
	const task = rotationTask(tf.data.array([{ xs, ys: tf.zeros([2]) }]) as unknown as tf.data.Dataset<Batch>);
	const [batch] = await task.toArray();
	assert.deepEqual(batch.ys.arraySync(), [0, 0, 1, 1, 2, 2, 3, 3]);
	// Two quarters are upside down, and mirrored; each quarter moves the corners on.
	const turns = tf.split(batch.xs, 4) as tf.Tensor4D[];
	const same = (a: tf.Tensor, b: tf.Tensor) => assert.deepEqual(a.arraySync(), b.arraySync());
	same(turns[0], xs);
	same(turns[2], xs.reverse([1, 2]));
	same(turns[3], turns[1].reverse([1, 2]));
	same(turns[1].slice([0, 4, 0, 0], [2, 1, 1, 3]), xs.slice([0, 0, 0, 0], [2, 1, 1, 3]));
});
