// How the values that end cells are shown. The shapes and numbers that are expected are TensorFlow's own.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { toBundle } from "../../tools/kernel/display";
import { project, type Result, runCells } from "./run-cells";

const text = ({ result, error }: Result) => result?.["text/plain"] ?? error?.evalue ?? "";
const html = ({ result }: Result) => result?.["text/html"] ?? "";

describe("values of TensorFlow.js", () => {
	let results: Result[];
	before(() => {
		results = runCells("ours", project(), [
			'import * as tf from "@tensorflow/tfjs-node-gpu"; tf.tensor2d([[1.5, 2], [3, 1 / 3]])',
			"const held = tf.memory().numTensors; tf.range(0, 4000).reshape([20, 200])",
			"tf.memory().numTensors - held", // the large tensor, which the cell made and keeps, and the range
			"const images = tf.ones([32, 64, 64, 3]); images",
			"[tf.scalar(1), tf.tensor(['a'])]",
			"tf.tensor(['a', '<b>'])",
			"tf.tensor1d([true, false], 'bool')",
			"tf.complex([1, 2], [3, -4])",
			"images.dispose(); images",
			"tf.variable(tf.zeros([2]), true, 'w')",
			"const model = tf.sequential({ layers: [tf.layers.conv2d({ filters: 8, kernelSize: 3, inputShape: [16, 16, 3], name: 'conv' }), tf.layers.flatten({ name: 'flat' }), tf.layers.dense({ units: 2, name: 'last' })] }); model",
			"model.layers[0]",
			"model.weights[0]",
			"({ model, layers: model.layers })",
			"console.log(tf.ones([2]), [tf.ones([2])])",
			"const small = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] }); small.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: ['accuracy'] }); await small.fit(tf.ones([8, 2]), tf.ones([8, 1]), { epochs: 3, verbose: 0, validationSplit: 0.25 })",
			"small.optimizer",
			"tf.data.array([1, 2, 3]).batch(2)",
			"tf.input({ shape: [3], name: 'in' })",
		]);
	});

	test("tensors are shape, type, size and values in NumPy's layout", () => {
		assert.equal(text(results[0]), "Tensor float32 [2, 2], 16 bytes\n[[    1.5,       2],\n [      3, 0.33333]]");
		assert.match(html(results[0]), /^<pre>Tensor float32/);
		assert.equal(text(results[6]), "Tensor bool [2], 2 bytes\n[ true, false]");
		assert.equal(text(results[7]), "Tensor complex64 [2], 16 bytes\n[1+3j, 2-4j]");
		assert.equal(text(results[5]), 'Tensor string [2]\n[  "a", "<b>"]');
		assert.match(html(results[5]), /&lt;b&gt;/);
	});

	test("large ones are their corners, and reading them leaves no tensors behind", () => {
		const row = (first: number) =>
			`[${[0, 1, 2, -1, 197, 198, 199].map((i) => (i < 0 ? "…" : String(first + i).padStart(4))).join(", ")}]`;
		const rows = [0, 1, 2].map((i) => row(200 * i));
		const last = [17, 18, 19].map((i) => row(200 * i));
		assert.equal(text(results[1]), `Tensor float32 [20, 200], 16,000 bytes\n[${[...rows, "…", ...last].join(",\n ")}]`);
		assert.equal(text(results[2]), "2");
		assert.match(text(results[3]), /^Tensor float32 \[32, 64, 64, 3\], 1,572,864 bytes\n\[\[\[\[1, …, 1\],\n {3}…,\n/);
	});

	test("stand among others in one line, also where they are printed", () => {
		assert.equal(text(results[4]), "[ Tensor float32 [], 4 bytes, Tensor string [1] ]");
		assert.match(
			text(results[13]),
			/^\{\n {2}model: Sequential \S+: 3 layers, [\d,]+ parameters,\n {2}layers: \[\n {4}Conv2D conv, \[any, 14, 14, 8\], 224 parameters,/,
		);
		assert.equal(results[14].stdout, "Tensor float32 [2], 8 bytes\n[1, 1] [ Tensor float32 [2], 8 bytes ]\n");
	});

	test("disposed ones say so, variables have a name", () => {
		assert.equal(text(results[8]), "Tensor float32 [32, 64, 64, 3], disposed");
		assert.equal(text(results[9]), "Variable w float32 [2], 8 bytes\n[0, 0]");
		assert.match(text(results[12]), /^Variable conv\/kernel float32 \[3, 3, 3, 8\], 864 bytes\n\[\[\[\[/);
		assert.equal(text(results[18]), "SymbolicTensor in float32 [any, 3]");
	});

	test("models are their table of layers", () => {
		assert.match(
			text(results[10]),
			/Layer \(type\)[\s\S]*conv \(Conv2D\)[\s\S]*last \(Dense\)[\s\S]*Total params: 3362/,
		);
		assert.match(
			html(results[10]),
			/3,362 parameters[\s\S]*>conv<[\s\S]*>Conv2D<[\s\S]*>\[any, 14, 14, 8\]<[\s\S]*>224</,
		);
		assert.equal(text(results[11]), "Conv2D conv, [any, 14, 14, 8], 224 parameters");
		assert.match(text(results[16]), /^SGD \{ learningRate: /);
	});

	test("histories are curves and a table, datasets have a size", () => {
		assert.match(text(results[15]), /^History of 3 epochs, .*\nepoch\tval_loss\tval_acc\tloss\tacc\n1\t/);
		assert.equal(html(results[15]).match(/<svg/g)?.length, 2);
		assert.equal(text(results[17]), "Dataset: 2 elements");
	});
});

/** What a value is shown as, in this process. */
const shownAs = async (value: NonNullable<unknown>) => (await toBundle(value)) as Record<string, string>;

describe("values of JavaScript", () => {
	const shown: [name: string, value: NonNullable<unknown>, expected: string][] = [
		["a number", 42, "42"],
		["a string", "a\n'b'", "a\n'b'"],
		["a map", new Map<unknown, unknown>([["a", [1, 2]]]), "Map(1) { 'a' => [ 1, 2 ] }"],
		["a set", new Set([1, "b"]), "Set(2) { 1, 'b' }"],
		["a typed array", new Float32Array([0.1, 1 / 3]), "Float32Array(2), 8 bytes\n[    0.1, 0.33333]"],
		["a long typed array", new Int32Array(1000), "Int32Array(1000), 4,000 bytes\n[0, 0, 0, …, 0, 0, 0]"],
		["an empty one", new Uint8Array(0), "Uint8Array(0), 0 bytes\n[]"],
		["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
		[
			"an instance",
			new (class Point {
				x = 1;
				get y() {
					throw new Error("not called");
				}
			})(),
			"Point { x: 1 }",
		],
		["a function", Math.max, "[Function: max]"],
		[
			"a proxy that throws",
			new Proxy(
				{},
				{
					get() {
						throw new Error("never shown");
					},
				},
			),
			"{}",
		],
		["an object without a prototype", Object.create(null), "[Object: null prototype] {}"],
	];
	for (const [name, value, expected] of shown) {
		test(`${name} is text`, async () => assert.equal((await shownAs(value))["text/plain"], expected));
	}

	test("hold what is folded, escaped and cut", async () => {
		const deep = {
			name: "<b>",
			list: Array.from({ length: 1000 }, (_, i) => i),
			map: new Map([["k", { inner: { most: 1 } }]]),
		};
		const { "text/html": tree } = await shownAs(deep);
		assert.match(tree, /^<div[^>]*><details open><summary>\{ name: &#39;&lt;b&gt;&#39;/);
		assert.match(tree, /<details\s*><summary>list: \[/);
		assert.match(tree, /… 900 more/);
		assert.match(tree, /most: 1/);
		assert.ok(tree.length < 50_000);
	});

	test("of which there are millions are counted, not read", async () => {
		const { "text/html": array } = await shownAs(new Array(20_000_000).fill(0));
		assert.match(array, /99: 0<\/div><div>… 19999900 more<\/div>/);
		const { "text/html": map } = await shownAs(new Map(Array.from({ length: 200_000 }, (_, i) => [i, i])));
		assert.match(map, /99 =&gt; 99<\/div><div>… 199900 more<\/div>/);
	});

	test("that seem to be of a kind and are not are text", async () => {
		const throwing = {
			get shape() {
				throw new Error("not mine");
			},
			dataId: 1,
			dtype: "float32",
			dataSync() {},
		};
		assert.match((await shownAs(throwing))["text/plain"], /^\{\n {2}shape: \[Getter\]/);
		const almost = { size: 3, classNames: "ab", ...{ forEachAsync() {}, iterator() {}, batch() {} } };
		assert.match((await shownAs(almost))["text/plain"], /^\{\n {2}size: 3/);
	});

	test("that contain themselves, throw or are endless end", async () => {
		const circular: Record<string, unknown> = {
			get bad() {
				throw new Error("not called");
			},
		};
		circular.self = circular;
		const bundle = await shownAs(circular);
		assert.match(
			bundle["text/html"],
			/self: \[Circular\][\s\S]*bad: \[Getter\]|bad: \[Getter\][\s\S]*self: \[Circular\]/,
		);
		const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`key${i}`, { i }]));
		const { "text/plain": text, "text/html": html } = await shownAs({ wide, other: [wide, wide] });
		assert.ok(text.length < 30_000 && html.length < 200_000);
		const long = (await shownAs("x".repeat(50_000)))["text/plain"];
		assert.equal(long, `${"x".repeat(20_000)}\n… 30,000 more characters`);
	});

	test("of a promise and an error there are no internals", () => {
		const [promise, error] = runCells("ours", project(), ["Promise.resolve([1])", "new RangeError('why')"]);
		assert.equal(text(promise), "Promise { [ 1 ] }");
		assert.equal(text(error), "RangeError: why\n    at cell [2]:1:1");
	});
});

describe("what this project makes", () => {
	test("a dataset is its classes and counts", async () => {
		const dataset = {
			...{ size: 2, classNames: ["cat", "dog"], labels: [0, 1, 1], directory: "pets/train" },
			source: { files: { batchSize: 2, decoding: { imageSize: [8, 9], channels: 3 } } },
			...{ forEachAsync() {}, iterator() {}, batch() {} },
		};
		const bundle = await shownAs(dataset);
		assert.equal(
			bundle["text/plain"],
			"Dataset pets/train: 2 classes, 3 images, 2 batches\nBatches: float32 [2, 8, 9, 3], 0–255\nclass\timages\ncat\t1\ndog\t2",
		);
		assert.match(bundle["text/html"], /<table.*cat.*dog/);
	});

	test("a history is its curves and values", async () => {
		const history = { loss: [1, 0.5], acc: [0.4, 0.6], valLoss: [], valAcc: [], epochsRun: 2, seconds: 61 };
		const bundle = await shownAs(history);
		assert.equal(
			bundle["text/plain"],
			"History of 2 epochs in 1 min 01 s, loss 0.5, acc 0.6\nepoch\tloss\tacc\n1\t1.0000\t0.4000\n2\t0.5000\t0.6000",
		);
		assert.equal(bundle["text/html"].match(/<svg/g)?.length, 2);
	});
});
