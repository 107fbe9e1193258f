import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DataFrame } from "danfojs-node";
import sharp from "sharp";
import {
	confusionMatrixFigure,
	curves,
	liveProgress,
	showFigure,
	showImages,
	showMarkdown,
	showTable,
} from "../src/display";
import { pictures, printed, temporaryFolder } from "./fixtures";

type Message = { data: Record<string, string>; transient: { display_id?: string }; update: boolean };
const jupyter = require("tslab/dist/jupyter.js") as { lastWriteDisplayData: unknown };
let messages: Message[] = [];

/** What was shown since the last call, as the kernel would send it. */
function shown(): Message[] {
	const taken = messages;
	messages = [];
	return taken;
}

before(() => {
	jupyter.lastWriteDisplayData = (message: Message, update: boolean) => messages.push({ ...message, update });
});
after(() => {
	jupyter.lastWriteDisplayData = null;
});

test("a figure is plotly's JSON, with a word for where it cannot be drawn", () => {
	showFigure({ data: [{ type: "bar", x: ["a"], y: [1] }], layout: { title: { text: "Bars" } } });
	const [{ data }] = shown();
	const figure = data["application/vnd.plotly.v1+json"] as unknown as {
		data: object[];
		layout: Record<string, unknown>;
	};
	assert.deepEqual(figure.data, [{ type: "bar", x: ["a"], y: [1] }]);
	assert.deepEqual(figure.layout.title, { text: "Bars" });
	assert.equal(data["text/plain"], "Figure: Bars");
});

test("a table shows a DataFrame or rows, escapes HTML, and counts what it leaves out", () => {
	showTable(
		new DataFrame([
			{ name: "<b>", score: 0.123456, n: 3 },
			{ name: "&", score: 1, n: 4 },
		]),
	);
	showTable(
		Array.from({ length: 40 }, (_, i) => ({ i, empty: null })),
		{ maxRows: 10 },
	);
	const [frame, rows] = shown();
	assert.ok(frame.data["text/html"].includes("&lt;b&gt;") && frame.data["text/html"].includes("&amp;"));
	assert.ok(!frame.data["text/html"].includes("<b>"));
	assert.equal(frame.data["text/plain"], "name\tscore\tn\n<b>\t0.1235\t3\n&\t1.0000\t4");
	assert.equal(rows.data["text/html"].match(/<tr>/g)?.length, 11);
	assert.ok(rows.data["text/html"].includes("… 30 more rows (40 in all)"));
});

test("pictures come from files and tensors, at the size asked for; what is no picture has a frame", async () => {
	const image = tf.tensor3d([
		[[300], [-5]],
		[[0], [255]],
	]);
	await showImages(
		[
			{ image: join(pictures, "cats", "plain.jpg"), caption: 'a "cat"' },
			{ image, caption: "tensor" },
			{ image: join(temporaryFolder(), "missing.jpg"), caption: "missing" },
		],
		{ size: 20 },
	);
	const [{ data }] = shown();
	const urls = [...data["text/html"].matchAll(/base64,([^"]+)"/g)].map(([, base64]) => Buffer.from(base64, "base64"));
	assert.equal(urls.length, 2);
	const file = await sharp(urls[0]).metadata();
	assert.deepEqual([file.format, file.width, file.height], ["png", 20, 15]);
	const pixels = await sharp(urls[1]).greyscale().raw().toBuffer();
	assert.deepEqual([pixels[0], pixels[19], pixels[399]], [255, 0, 255]);
	assert.ok(data["text/html"].includes("no picture") && data["text/html"].includes("a &quot;cat&quot;"));
});

test("curves and confusion matrix are figures of the numbers given", () => {
	const figure = curves({ acc: [0.5, 0.7], loss: [1, 0.5], valAcc: [0.4, 0.6], valLoss: [] }, "acc");
	assert.deepEqual(
		figure.data.map((trace) => (trace as { y: number[] }).y),
		[
			[0.5, 0.7],
			[0.4, 0.6],
		],
	);
	assert.equal(curves({ acc: [], loss: [1], valAcc: [], valLoss: [] }, "loss").data.length, 1);
	const [matrix] = confusionMatrixFigure(
		[
			[3, 1],
			[0, 2],
		],
		["a", "b"],
	).data as { z: number[][]; x: string[] }[];
	assert.deepEqual(
		[matrix.z, matrix.x],
		[
			[
				[3, 1],
				[0, 2],
			],
			["a", "b"],
		],
	);
});

test("progress is one display, updated in place, that ends with a line an epoch", () => {
	const onProgress = liveProgress();
	const history = { loss: [] as number[], acc: [] as number[], valLoss: [] as number[], valAcc: [] as number[] };
	const progress = { epochs: 2, batches: 2, loss: 0.5, acc: 0.25, history };
	for (const epoch of [1, 2]) {
		onProgress({ ...progress, epoch, batch: 1, done: false });
		onProgress({ ...progress, epoch, batch: 2, done: false });
		history.loss.push(0.5);
		history.acc.push(0.25);
		onProgress({ ...progress, epoch, batch: 2, done: false });
	}
	onProgress({ ...progress, epoch: 2, batch: 2, done: true });
	const all = shown();
	assert.deepEqual([...new Set(all.map(({ transient }) => transient.display_id))].length, 1);
	assert.deepEqual(
		all.map(({ update }) => update),
		[false, ...all.slice(1).map(() => true)],
	);
	assert.match(all[0].data["text/plain"], /^Epoch 1\/2 {2}━{10}╌{10} {2}1\/2 {2}loss: 0\.5000 {2}acc: 0\.2500$/);
	const lines = (all.at(-1) as Message).data["text/plain"].split("\n");
	assert.equal(lines.length, 2);
	assert.match(lines[1], /^Epoch 2\/2 +\d+ s {2}loss: 0\.5000 {2}acc: 0\.2500$/);
});

test("outside a notebook the plain form is printed", async () => {
	const kernel = jupyter.lastWriteDisplayData;
	jupyter.lastWriteDisplayData = null;
	assert.equal(await printed(() => showMarkdown("- one")), "- one");
	jupyter.lastWriteDisplayData = kernel;
});
