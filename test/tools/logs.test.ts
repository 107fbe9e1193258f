// The logs of a run for TensorBoard. TensorFlow, TensorBoard and Keras wrote the recorded files, see record_events.py.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { DEFAULT_PARAMETERS } from "../../src/pipeline/parameters";
import type { ModelRecord } from "../../src/pipeline/records";
import { crc32c, encodeEvents, image, scalar, sessionEnd, sessionStart } from "../../tools/report/events";
import { writeLogs } from "../../tools/report/logs";
import type { RunRecord } from "../../tools/report/run-record";
import { parseArguments, type Values } from "../../tools/run/arguments";
import { fixture, imageFolder, printed, temporaryFolder } from "../helpers";

const recorded = fixture<{
	scalars: [string, number, number | null][];
	start: number;
	hyperparameters: Values[];
	images: string[];
	file: string;
	keras: [string, string, number][];
}>("events");

/** Splits a file into its records as they are framed: length, checksum, bytes, checksum. */
function framesOf(file: Buffer): Buffer[] {
	const frames: Buffer[] = [];
	for (let at = 0; at < file.length; at += frames.at(-1)!.length)
		frames.push(file.subarray(at, at + 16 + Number(file.readBigUInt64LE(at))));
	return frames;
}
const bytesOf = (frame: Buffer) => frame.subarray(12, -4);

/** The fields of a protocol buffer by number, without a schema: numbers and bytes. */
function fieldsOf(bytes: Buffer): Map<number, (number | Buffer)[]> {
	const fields = new Map<number, (number | Buffer)[]>();
	let at = 0;
	const varint = () => {
		for (let value = 0, factor = 1; ; factor *= 128) {
			const byte = bytes[at++];
			value += (byte & 127) * factor;
			if (byte < 128) return value;
		}
	};
	const take = (size: number) => {
		at += size;
		return bytes.subarray(at - size, at);
	};
	while (at < bytes.length) {
		const key = varint();
		const read = [varint, () => take(8).readDoubleLE(), () => take(varint())][key & 7];
		fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), read()]);
	}
	return fields;
}
/** The last value of a nested field, as proto3 takes it. */
function inner(bytes: Buffer, ...path: number[]): Buffer {
	return path.reduce((message, number) => fieldsOf(message).get(number)?.at(-1) as Buffer, bytes);
}

/** The values of an event file: tag, plugin, step, time, and the tensor's bytes or texts. */
function readLog(folder: string) {
	const files = readdirSync(folder).filter((name) => name.includes("tfevents"));
	assert.equal(files.length, 1);
	const [version, ...events] = framesOf(readFileSync(join(folder, files[0]))).map(bytesOf);
	assert.equal(String(inner(version, 3)), "brain.Event:2");
	return events.map((event) => {
		const value = inner(event, 5, 1);
		const tensor = fieldsOf(inner(value, 8));
		return {
			tag: String(inner(value, 1)),
			plugin: String(inner(value, 9, 1, 1)),
			content: inner(value, 9, 1, 2),
			step: Number(fieldsOf(event).get(2)?.[0] ?? 0),
			time: Number(fieldsOf(event).get(1)?.[0]),
			number: (tensor.get(4)?.[0] as Buffer)?.readFloatLE(),
			texts: (tensor.get(8) ?? []) as Buffer[],
		};
	});
}

const classNames = ["cats", "dogs"];
const training = {
	dataset: "",
	classNames,
	parameters: { ...DEFAULT_PARAMETERS, backbone: "<b>", augment: false, dropout: 0 },
	history: {
		loss: [2, 1, null],
		acc: [0.5, 0.6, 0.7],
		valLoss: [3, 2, 1],
		valAcc: [0.1, 0.2, 0.3],
		epochsRun: 3,
		seconds: 30,
	},
	data: null,
	files: { "model.json": "0", "weights.bin": "0" },
} as unknown as ModelRecord;
const run = {
	date: "2026-01-02T03:04:05.678Z",
	test: { accuracy: 0.9, loss: 0.25, lossInterval: { low: 0.1 } },
	confusionMatrix: [
		[10, 0],
		[2, 8],
	],
} as unknown as RunRecord;
const unevaluated = { ...run, test: null, confusionMatrix: null };

/** A data set with a test split of images of several formats, a damaged one and one that only TensorFlow reads. */
function dataset(): string {
	const folder = temporaryFolder();
	cpSync(imageFolder, join(folder, "test"), { recursive: true });
	writeFileSync(join(folder, "test", "cats", "a.jpg"), "no image");
	return folder;
}
const data = dataset();

async function logged(
	records: Partial<{ run: RunRecord; training: ModelRecord | null }> = {},
	artifacts = temporaryFolder(),
) {
	const lines = await printed(() => writeLogs({ run, training, ...records }, { artifacts, dataset: data }));
	assert.equal(lines, "");
	const logs = join(artifacts, "logs");
	return {
		artifacts,
		logs,
		runs: () => readdirSync(logs).sort(),
		folder: (name = "") => join(logs, readdirSync(logs)[0], name),
	};
}

describe("event files", () => {
	test("have the checksums of RFC 3720", () => {
		const cases: [Uint8Array, number][] = [
			[new Uint8Array(32), 0x8a9136aa],
			[new Uint8Array(32).fill(0xff), 0x62a8ab43],
			[Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
			[Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
			[Buffer.from("123456789"), 0xe3069283],
		];
		for (const [bytes, checksum] of cases) assert.equal(crc32c(bytes), checksum);
	});

	test("are to the byte as TensorFlow writes scalars, hyperparameters and images", () => {
		const [version, ...frames] = framesOf(Buffer.from(recorded.file, "base64"));
		const times = frames.map((frame) => fieldsOf(bytesOf(frame)).get(1)?.[0] as number);
		const images = recorded.images.map((png) => Buffer.from(png, "base64"));
		const events = [
			...recorded.scalars.map(([tag, step, value]) => ({ step, summary: scalar(tag, value ?? Number.NaN) })),
			...recorded.hyperparameters.map((values) => ({ summary: sessionStart(values, recorded.start) })),
			{ summary: sessionEnd(recorded.start + 0.5) },
			{ step: 4, summary: image("samples/a", images, { width: 3, height: 2 }) },
		].map((event, i) => ({ ...event, wallTime: times[i] }));
		const [ourVersion, ...ours] = framesOf(encodeEvents(events));
		assert.equal(ours.length, frames.length);
		for (const [i, frame] of frames.entries()) assert.deepEqual(ours[i], frame, `record ${i + 1}`);
		// TensorFlow's goes on with its name.
		assert.deepEqual(bytesOf(ourVersion).subarray(9), bytesOf(version).subarray(9, bytesOf(ourVersion).length));
	});
});

describe("the logs of a run", () => {
	test("have its curves in the folders and under the tags of Keras, and the test results with them", async () => {
		const { folder } = await logged();
		const curves = ["train", "validation", "test"].flatMap((split) =>
			readLog(folder(split)).map(({ tag, step, number, plugin }) => {
				assert.equal(plugin, "scalars");
				return [split, tag, step, number] as const;
			}),
		);
		const keras = recorded.keras.map(([split, tag, step]) => `${split}/${tag} ${step}`);
		const ofTwoEpochs = curves.filter(([split, , step]) => split !== "test" && step < 2);
		assert.deepEqual(
			ofTwoEpochs.map(([split, tag, step]) => `${split}/${tag} ${step}`),
			keras,
		);
		const numbers = (split: string, tag: string) =>
			curves.filter((curve) => curve[0] === split && curve[1] === tag).map(([, , , number]) => number);
		assert.deepEqual(numbers("train", "epoch_loss"), [2, 1, Number.NaN]);
		assert.deepEqual(numbers("validation", "epoch_accuracy"), [0.1, 0.2, 0.3].map(Math.fround));
		assert.deepEqual(numbers("test", "epoch_accuracy"), [Math.fround(0.9)]);
		assert.deepEqual(curves.at(-1), ["test", "epoch_loss", 2, 0.25]);
	});

	test("end at the run's date, and take as long as the training", async () => {
		const { runs, folder } = await logged();
		assert.match(runs().join(), /^20260102-030405-[0-9a-f]{8}$/);
		const end = Date.parse("2026-01-02T03:04:05Z") / 1000;
		const times = readLog(folder("train")).map(({ time }) => time - end);
		assert.deepEqual(times, [-20, -20, -10, -10, 0, 0]);
		const start = readLog(folder()).find(({ tag }) => tag.endsWith("start_info"))!;
		assert.equal(fieldsOf(inner(start.content, 3)).get(5)?.[0], end - 30);
	});

	test("have the hyperparameters with their types, and that the run succeeded", async () => {
		const { folder } = await logged();
		const events = readLog(folder());
		const { content } = events.find(({ tag }) => tag === "_hparams_/session_start_info")!;
		const entries = fieldsOf(inner(content, 3)).get(1) as Buffer[];
		const values = entries.map((entry) => {
			const [[kind, [value]]] = fieldsOf(inner(entry, 2));
			return [String(inner(entry, 1)), kind === 3 ? String(value) : kind === 4 ? value === 1 : value];
		});
		assert.deepEqual(Object.fromEntries(values), training.parameters);
		const end = events.find(({ tag }) => tag === "_hparams_/session_end_info")!;
		assert.deepEqual(fieldsOf(inner(end.content, 4)).get(1), [1]);
	});

	test("have the confusion matrix and two readable images of each class", async () => {
		const { folder } = await logged();
		const images = readLog(folder()).filter(({ plugin }) => plugin === "images");
		assert.deepEqual(
			images.map(({ tag, step }) => [tag, step]),
			[
				["samples/cats", 0],
				["samples/dogs", 0],
				["confusion_matrix", 2],
			],
		);
		for (const { tag, texts } of images) {
			const [width, height, ...files] = texts;
			assert.equal(files.length, tag === "confusion_matrix" ? 1 : 2, tag);
			for (const file of files) {
				const found = await sharp(file).metadata();
				assert.deepEqual([found.width, found.height], [Number(width), Number(height)]);
				assert.equal(found.format, tag === "confusion_matrix" ? "png" : "jpeg");
			}
		}
		// A cell of the confusion matrix has the colour of its count: the diagonal is dark.
		const pixels = sharp(images[2].texts[2]);
		const { channels } = await pixels.stats();
		assert.ok(channels.length === 3 && channels[0].max === 255 && channels[0].min < 60);
	});

	test("take the names of classes as they are", async () => {
		const folders = ["<img src=x>", "e\u0301clair", "猫", "a\nb"];
		const places = { artifacts: temporaryFolder(), dataset: temporaryFolder() };
		for (const name of folders) {
			mkdirSync(join(places.dataset, "val", name), { recursive: true });
			cpSync(join(imageFolder, "cats", "plain.jpg"), join(places.dataset, "val", name, "x.jpg"));
		}
		const names = [...folders.map((name) => name.normalize("NFC")), "../not there"];
		const matrix = names.map(() => names.map(() => 1));
		const records = { run: { ...run, confusionMatrix: matrix }, training: { ...training, classNames: names } };
		assert.equal(await printed(() => writeLogs(records, places)), "");
		const logs = join(places.artifacts, "logs");
		const tags = readLog(join(logs, readdirSync(logs)[0])).map(({ tag }) => tag);
		assert.deepEqual(
			tags.filter((tag) => tag.startsWith("samples/")),
			["samples/<img src=x>", "samples/\u00e9clair", "samples/猫", "samples/a\\nb"],
		);
		assert.ok(tags.includes("confusion_matrix"));
	});

	test("have no confusion matrix of more than a hundred classes", async () => {
		for (const [classes, drawn] of [
			[100, 1],
			[101, 0],
		]) {
			const names = Array.from({ length: classes }, (_, i) => `class ${i}`);
			const confusionMatrix = names.map(() => names.map(() => 1));
			const { folder } = await logged({
				run: { ...run, confusionMatrix },
				training: { ...training, classNames: names },
			});
			assert.equal(readLog(folder()).filter(({ plugin }) => plugin === "images").length, drawn);
		}
	});
});

describe("the folder of a run", () => {
	const later = { ...run, date: "2027-01-01T00:00:00.000Z" };

	test("is the same when a model is reported again, to the byte", async () => {
		const { artifacts, runs, folder } = await logged();
		const names = ["", "train", "validation", "test"];
		const contents = () =>
			names.map((name) =>
				readFileSync(join(folder(name), readdirSync(folder(name)).find((file) => /tfevents/.test(file))!)),
			);
		const [before, known] = [contents(), runs()];
		const again = { ...later, test: { ...run.test, lossInterval: { low: 0.2 } } } as unknown as RunRecord;
		await logged({ run: again }, artifacts);
		assert.deepEqual(runs(), known);
		assert.deepEqual(contents(), before);
	});

	test("is another for another training or another evaluation", async () => {
		const { artifacts, runs } = await logged();
		const parameters = { ...training.parameters, epochs: 9 };
		await logged({ run: later, training: { ...training, parameters } }, artifacts);
		const [first, second] = run.confusionMatrix!;
		await logged({ run: { ...later, confusionMatrix: [second, first] } }, artifacts);
		assert.deepEqual(
			runs().map((name) => name.slice(0, 15)),
			["20260102-030405", "20270101-000000", "20270101-000000"],
		);
	});

	test("keeps its date when the model is evaluated later", async () => {
		const { artifacts, runs, folder } = await logged({ run: unevaluated });
		assert.deepEqual(
			readdirSync(folder()).filter((name) => name === "test" || name === "validation"),
			["validation"],
		);
		const [before] = runs();
		await logged({ run: later }, artifacts);
		assert.equal(runs().length, 1);
		assert.notEqual(runs()[0], before);
		assert.equal(runs()[0].slice(0, 16), before.slice(0, 16));
		assert.deepEqual(readLog(folder("test")).length, 2);
	});

	test("leaves those of others alone", async () => {
		const artifacts = temporaryFolder();
		mkdirSync(join(artifacts, "logs", "first", "train"), { recursive: true });
		const { runs } = await logged({}, artifacts);
		const [name] = runs();
		renameSync(join(artifacts, "logs", name), join(artifacts, "logs", `best-${name}`));
		await logged({ run: later }, artifacts);
		assert.deepEqual(
			runs().map((run) => run.slice(0, 13)),
			["20270101-0000", "best-20260102", "first"],
		);
	});
});

test("without a model nothing is written, and what cannot be written is said in a line", async () => {
	const artifacts = temporaryFolder();
	await printed(() => writeLogs({ run, training: null }, { artifacts, dataset: data }));
	assert.deepEqual(readdirSync(artifacts), []);
	writeFileSync(join(artifacts, "logs"), "");
	const lines = await printed(() => writeLogs({ run, training }, { artifacts, dataset: data }));
	assert.match(lines, /^The logs for TensorBoard are not written: .*$/);
	rmSync(join(artifacts, "logs"));
	// Without images, for example with an archive that was moved away.
	const gone = await printed(() => writeLogs({ run, training }, { artifacts, dataset: join(artifacts, "gone") }));
	assert.equal(gone, "");
});

test("--no-logs is an option of runs", () => {
	assert.equal(parseArguments(["--no-logs"]).noLogs, true);
	assert.equal(parseArguments([]).noLogs, false);
});
