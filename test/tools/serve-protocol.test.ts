// The open inference protocol of `npm run serve`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import type { FastifyInstance } from "fastify";
import type { BytesPrediction } from "../../src/evaluation/predict-bytes";
import { appWith, assertError, files, plain, post, predictor } from "./served";

let app: FastifyInstance;
before(async () => {
	app = await appWith();
});

describe("the open inference protocol", () => {
	const URL = "/v2/models/classifier/infer";
	const infer = (body: unknown) => post(app, JSON.stringify(body), "application/json", URL);
	const images = [files[0], files[4]];
	let pixels: Float32Array[];
	let expected: BytesPrediction[];
	before(async () => {
		const bytes = images.map((path) => readFileSync(path));
		pixels = (await Promise.all(bytes.map(predictor.decode))) as Float32Array[];
		expected = (await predictor.predictBytes(bytes)) as BytesPrediction[];
	});
	const input = (data: unknown, shape: unknown = [2, 16, 16, 3]) => ({ name: "images", datatype: "FP32", shape, data });
	const flat = () => pixels.flatMap((image) => [...image]);
	const split = (values: unknown[], size: number) =>
		Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
	const nested = () => [3, 16, 16].reduce<unknown[]>(split, flat());

	test("gives the probabilities of predictBytes, for flat and nested data, and echoes the id", async () => {
		for (const data of [flat(), nested()]) {
			const answer = await infer({ id: "seven", inputs: [input(data)], outputs: [{ name: "probabilities" }] });
			assert.equal(answer.statusCode, 200, answer.body);
			const { id, model_name, outputs } = answer.json();
			assert.deepEqual([id, model_name, outputs.length], ["seven", "classifier", 1]);
			const [{ data: probabilities, ...rest }] = outputs;
			assert.deepEqual(rest, { name: "probabilities", datatype: "FP32", shape: [2, 2] });
			const all = expected.flatMap((prediction) => prediction.probabilities);
			assert.equal(probabilities.length, all.length);
			for (const [i, p] of all.entries()) assert.ok(Math.abs(probabilities[i] - p) < 1e-5);
		}
		assert.equal("id" in (await infer({ inputs: [input(flat())] })).json(), false);
	});

	test("describes the server and the model, and says that they are ready", async () => {
		const got = async (url: string) => (await app.inject(url)).json();
		assert.deepEqual(await got("/v2/health/live"), { live: true });
		assert.deepEqual(await got("/v2/health/ready"), { ready: true });
		assert.deepEqual(await got("/v2/models/classifier/ready"), { name: "classifier", ready: true });
		assert.deepEqual((await got("/v2")).extensions, []);
		const { inputs, outputs } = await got("/v2/models/classifier");
		assert.deepEqual(inputs, [{ name: "images", datatype: "FP32", shape: [-1, 16, 16, 3] }]);
		assert.deepEqual(outputs, [{ name: "probabilities", datatype: "FP32", shape: [-1, 2] }]);
	});

	test("refuses what is not as the protocol says", async () => {
		const data = flat();
		const ragged = nested() as unknown[][];
		ragged[1] = [...ragged[1].slice(1), (ragged[1][0] as unknown[]).slice(1)];
		const refused: [unknown, RegExp][] = [
			[[], /^the body is no JSON object/],
			[{}, /^inputs: expected a list of one input, images$/],
			[{ inputs: [null] }, /^the input is no JSON object/],
			[{ inputs: [{ ...input(data), name: "x" }] }, /^the input's name is not images/],
			[{ inputs: [{ ...input(data), datatype: "UINT8" }] }, /^datatype of images: expected FP32$/],
			[{ inputs: [input(data)], outputs: [{ name: "x" }] }, /^outputs: expected a list of probabilities/],
			[{ id: 7, inputs: [input(data)] }, /^id is no string/],
			...[
				[3, 16, 16, 3],
				[2, 768],
			].map(
				(shape, i) =>
					[{ inputs: [input(data, shape)] }, i ? /^shape of/ : /expected 2304 numbers/] as [unknown, RegExp],
			),
			...[null, [0, 16, 16, 3], [33, 16, 16, 3], [1.5, 16, 16, 3], [2, 16, 16, 1]].map(
				(shape) =>
					[{ inputs: [input(data, shape)] }, /^shape of images: expected \[n, 16, 16, 3\]/] as [unknown, RegExp],
			),
			[{ inputs: [input(data.slice(1))] }, /^data of images: expected 1536 numbers/],
			[{ inputs: [input(ragged)] }, /^data of images: expected 1536 numbers/],
			[{ inputs: [input("x")] }, /^data of images: expected 1536 numbers/],
			...[-1, 256, 1e300, "7", null].map(
				(value) =>
					[{ inputs: [input([value, ...data.slice(1)])] }, /expected numbers from 0 to 255$/] as [unknown, RegExp],
			),
		];
		for (const [body, message] of refused) assertError(await infer(body), 400, message);
		for (const body of ["{", "", '{"__proto__": {}}', "[".repeat(1e5)])
			assertError(await post(app, body, "application/json", URL), 400, /^the body cannot be read/);
		assertError(await post(app, plain, "image/jpeg", URL), 415, /content/);
		assertError(await app.inject("/v2/models/other"), 404, /^there is no such route/);
	});
});
